// What is done to pods through subresources: binding to a node; evictions.ts has evictions.
import type { Binding, DeleteOptions, Pod } from '@drydock/api/generated/types.ts';
import { type KubeObject, pods } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { notSupported, required } from '@drydock/api/validate/field-error.ts';
import { aggregateText } from '@drydock/api/validate/invalid-error.ts';
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import type { Call } from '../call.ts';
import type { Caches } from '../registry/caches.ts';
import { conflict, notFound, serverError } from '../registry/errors.ts';
import { objectKey } from '../storage/keys.ts';
import { type Change, dryRun, type ObjectStore } from '../storage/object-store.ts';

export interface PodSources {
  readonly objects: ObjectStore;
  readonly caches: Caches;
  readonly clock: Clock;
  /** Deletes the pod with the rules of DELETE. */
  deletePod(call: Call, name: string, options: DeleteOptions): Promise<void>;
}

export const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as KubeObject;

/** Binds a pod to the node that the Binding names: once, and only while it is not bound. */
export async function bindPod(call: Call, asked: KubeObject, { objects, clock }: PodSources): Promise<KubeObject> {
  const binding = asked as Binding;
  const { namespace } = call.request.target;
  const name = call.subresource === undefined ? (binding.metadata?.name ?? '') : call.request.target.name;
  if (call.subresource !== undefined && binding.metadata?.name !== name) {
    throw apiError('BadRequest', 'name in URL does not match name in Binding object');
  }
  const node = binding.target?.name ?? '';
  const { kind } = binding.target ?? {};
  const problems = [
    ...(kind === undefined || kind === '' || kind === 'Node' ? [] : [notSupported('target.kind', kind, ['Node', '<empty>'])]),
    ...(node === '' ? [required('target.name')] : []),
  ];
  if (problems.length > 0) throw serverError(aggregateText(problems));
  const key = objectKey(pods, namespace, name);
  const change = (current: { object: KubeObject } | undefined): Change => {
    if (current === undefined) throw notFound(pods, name);
    const pod = current.object as Pod;
    const fail = (why: string) => conflict({ group: '', resource: 'pods/binding' }, name, why);
    const { uid, resourceVersion } = binding.metadata ?? {};
    if (uid && uid !== pod.metadata?.uid) {
      throw conflict(
        pods,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata?.uid ?? ''}`,
      );
    }
    if (resourceVersion && resourceVersion !== pod.metadata?.resourceVersion) throw fail('the object has been modified');
    if (pod.metadata?.deletionTimestamp !== undefined) throw fail(`pod ${name} is being deleted, cannot be assigned to a host`);
    if ((pod.spec?.nodeName ?? '') !== '')
      throw fail(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec?.nodeName)}`);
    if ((pod.spec?.schedulingGates ?? []).length > 0) throw fail(`pod ${name} has non-empty .spec.schedulingGates`);
    return { put: bound(pod, node, binding, clock) };
  };
  if (call.request.options.dryRun) await dryRun(await objects.read(key), async (current) => change(current));
  else await objects.update(key, undefined, change);
  return success;
}

function bound(pod: Pod, nodeName: string, binding: Binding, clock: Clock): KubeObject {
  const conditions = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: formatTime(clock.wallMs()),
  };
  const { annotations, labels } = binding.metadata ?? {};
  // It has its node now: what was kept for it elsewhere is kept no longer (ClearingNominatedNodeNameAfterBinding).
  const { nominatedNodeName: _, ...status } = pod.status ?? {};
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(annotations === undefined ? {} : { annotations: { ...pod.metadata?.annotations, ...annotations } }),
      ...(labels === undefined ? {} : { labels: { ...pod.metadata?.labels, ...labels } }),
    },
    spec: { ...pod.spec, nodeName },
    status: { ...status, conditions: [...conditions, scheduled] },
  } as KubeObject;
}
