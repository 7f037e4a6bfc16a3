// NodeDeclaredFeatureValidator: a running pod is changed only in ways that its node says it can follow
// (plugin/pkg/admission/nodedeclaredfeatures; what needs what: k8s.io/component-helpers/nodedeclaredfeatures).
import type { Container, Node, Pod } from '@drydock/api/generated/types.ts';
import { semanticEqual } from '@drydock/api/json.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionPlugin } from './admission.ts';

/** Names as nodes write them into status.declaredFeatures, sorted, and which changes need them. */
const needs: readonly (readonly [string, (pod: Pod, old: Pod) => boolean])[] = [
  ['InPlacePodLevelResourcesVerticalScaling', (pod, old) => !semanticEqual(pod.spec?.resources, old.spec?.resources)],
  ['InPlacePodVerticalScalingInitContainers', (pod, old) => resizesInit(pod.spec?.initContainers, old.spec?.initContainers)],
];

/** @param findNode the node as it is now. */
export function nodeDeclaredFeatures(findNode: (name: string) => Promise<Node | undefined>): AdmissionPlugin {
  return {
    name: 'NodeDeclaredFeatureValidator',
    async validate({ info, operation, subresource, object, old, name }) {
      if (info.group !== '' || info.resource !== 'pods' || operation !== 'UPDATE') return;
      if (subresource !== '' && subresource !== 'resize') return;
      const [pod, before] = [object as Pod, old as Pod];
      const nodeName = pod.spec?.nodeName;
      if (!nodeName || pod.metadata?.generation === before.metadata?.generation) return;
      const needed = needs.filter(([, changes]) => changes(pod, before)).map(([feature]) => feature);
      if (needed.length === 0) return;
      const node = await findNode(nodeName);
      if (node === undefined) throw forbiddenObject(info, name, `node ${JSON.stringify(nodeName)} not found`);
      const lacking = needed.filter((feature) => !node.status?.declaredFeatures?.includes(feature));
      if (lacking.length === 0) return;
      const what = `features ${lacking.join(', ')} which are not available on node ${JSON.stringify(nodeName)}`;
      throw forbiddenObject(info, name, `pod update requires ${what}`);
    },
  };
}

/** Whether an init container that ends by itself is given other resources. */
function resizesInit(containers: readonly Container[] = [], before: readonly Container[] = []): boolean {
  return before.some(
    (container, index) =>
      container.restartPolicy !== 'Always' && !semanticEqual(container.resources, containers[index]?.resources),
  );
}
