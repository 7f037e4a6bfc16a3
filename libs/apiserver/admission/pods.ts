// Small admission plugins of pods and nodes: priority, default tolerations, the taint of new nodes.
import type { Node, Pod, PriorityClass, Toleration } from '@drydock/api/generated/types.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

function podOf({ info, subresource, object }: AdmissionRequest): Pod | undefined {
  return info.group === '' && info.resource === 'pods' && subresource === '' ? (object as Pod | undefined) : undefined;
}

export interface PriorityClasses {
  find(name: string): Promise<PriorityClass | undefined>;
  /** The class with globalDefault, the lowest of several. */
  globalDefault(): Promise<PriorityClass | undefined>;
}

const userPriorityMax = 1_000_000_000;

/** Priority: from priorityClassName to the number (plugin/pkg/admission/priority). */
export function priorityAdmission(classes: PriorityClasses): AdmissionPlugin {
  return {
    name: 'Priority',
    async mutate(request) {
      const pod = podOf(request);
      if (pod?.spec === undefined) return;
      const { spec } = pod;
      if (request.operation === 'UPDATE') {
        const old = request.old as Pod;
        if (spec.priority === undefined && old.spec?.priority !== undefined) spec.priority = old.spec.priority;
        if (spec.preemptionPolicy === undefined && old.spec?.preemptionPolicy !== undefined)
          spec.preemptionPolicy = old.spec.preemptionPolicy;
        return;
      }
      if (request.operation !== 'CREATE') return;
      const named = spec.priorityClassName ?? '';
      const found = named === '' ? await classes.globalDefault() : await classes.find(named);
      if (named !== '' && found === undefined) {
        throw forbiddenObject(request.info, pod.metadata?.name ?? '', `no PriorityClass with name ${named} was found`);
      }
      const value = found?.value ?? 0;
      const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
      const refuse = (what: string, given: unknown, computed: unknown) =>
        forbiddenObject(
          request.info,
          pod.metadata?.name ?? '',
          `the ${what} value (${given}) must not be provided in pod spec; priority admission controller computed ${computed} from the given PriorityClass name`,
        );
      if (spec.priority !== undefined && spec.priority !== value) throw refuse('integer priority', spec.priority, value);
      if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
        throw refuse('string preemptionPolicy', spec.preemptionPolicy, policy);
      if (found !== undefined) spec.priorityClassName = found.metadata?.name ?? named;
      spec.priority = value;
      spec.preemptionPolicy = policy;
    },
    validate({ info, operation, object }) {
      if (info.resource !== 'priorityclasses' || operation === 'DELETE' || object === undefined) return;
      const { value = 0, metadata } = object as PriorityClass;
      const name = metadata?.name ?? '';
      if (value > userPriorityMax && !name.startsWith('system-')) {
        throw forbiddenObject(info, name, `maximum allowed value of a user defined priority is ${userPriorityMax}`);
      }
    },
  };
}

/** How long pods that say nothing about it stay on such nodes; upstream's default is 300 for both. */
export interface DefaultTolerations {
  readonly notReadySeconds: number;
  readonly unreachableSeconds: number;
}

/** DefaultTolerationSeconds: pods stay for a while on nodes that do not answer (plugin/pkg/admission/defaulttolerationseconds). */
export function defaultTolerationSeconds(seconds: DefaultTolerations): AdmissionPlugin {
  return {
    name: 'DefaultTolerationSeconds',
    mutate(request) {
      const pod = podOf(request);
      if (pod?.spec === undefined || (request.operation !== 'CREATE' && request.operation !== 'UPDATE')) return;
      const tolerations = pod.spec.tolerations ?? [];
      const wanted: readonly [string, number][] = [
        ['node.kubernetes.io/not-ready', seconds.notReadySeconds],
        ['node.kubernetes.io/unreachable', seconds.unreachableSeconds],
      ];
      const added = wanted
        .filter(([key]) => !tolerations.some((toleration) => covers(toleration, key)))
        .map(([key, tolerationSeconds]): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }));
      if (added.length > 0) pod.spec.tolerations = [...tolerations, ...added];
    },
  };
}

function covers(toleration: Toleration, key: string): boolean {
  const keyFits = toleration.key === key || (toleration.key ?? '') === '';
  return keyFits && (toleration.effect === 'NoExecute' || (toleration.effect ?? '') === '');
}

/** TaintNodesByCondition: a new node takes no pods until it is known to be ready (plugin/pkg/admission/nodetaint). */
export const taintNewNodes: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate({ info, operation, subresource, object }) {
    if (info.resource !== 'nodes' || operation !== 'CREATE' || subresource !== '' || object === undefined) return;
    const node = object as Node;
    const key = 'node.kubernetes.io/not-ready';
    const taints = node.spec?.taints ?? [];
    if (taints.some((taint) => taint.key === key && taint.effect === 'NoSchedule')) return;
    node.spec = { ...node.spec, taints: [...taints, { key, effect: 'NoSchedule' }] };
  },
};
