// PodResizeValidator: a pod is not resized beyond what its node has (plugin/pkg/admission/podresize).
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { amountsOf, podRequests } from '@drydock/api/pod-resources.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionPlugin } from './admission.ts';

/** @param findNode the node as it is now. */
export function podResizeValidator(findNode: (name: string) => Promise<Node | undefined>): AdmissionPlugin {
  return {
    name: 'PodResizeValidator',
    async validate({ info, operation, subresource, name, object }) {
      if (info.group !== '' || info.resource !== 'pods' || subresource !== 'resize' || operation !== 'UPDATE') return;
      const { spec } = object as Pod;
      if (!spec?.nodeName) return;
      const node = await findNode(spec.nodeName);
      if (node === undefined) throw forbiddenObject(info, name, `node ${JSON.stringify(spec.nodeName)} not found`);
      const allocatable = amountsOf(node.status?.allocatable);
      const requested = podRequests(spec);
      const short = ['cpu', 'memory'].flatMap((resource) => {
        const [wants, has] = [requested.get(resource) ?? 0, allocatable.get(resource) ?? 0];
        return wants > has ? [`${resource}, requested: ${wants}, allocatable: ${has}`] : [];
      });
      if (short.length > 0)
        throw forbiddenObject(info, name, `node didn't have enough allocatable resources: ${short.join('; ')}`);
    },
  };
}
