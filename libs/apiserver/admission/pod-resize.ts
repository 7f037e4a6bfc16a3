// PodResizeValidator: a pod is not resized beyond what its node has (plugin/pkg/admission/podresize).
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { amountsOf, podRequests } from '@drydock/api/pod-resources.ts';
import type { ApiError } from '@drydock/api/status.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionPlugin } from './admission.ts';

/** @param findNode the node as it is now. */
export function podResizeValidator(findNode: (name: string) => Promise<Node | undefined>): AdmissionPlugin {
  return {
    name: 'PodResizeValidator',
    async validate({ info, operation, subresource, name, object, old }) {
      if (info.group !== '' || info.resource !== 'pods' || subresource !== 'resize' || operation !== 'UPDATE') return;
      const { spec, metadata } = object as Pod;
      if (!spec?.nodeName || metadata?.generation === old?.metadata?.generation) return;
      const node = await findNode(spec.nodeName);
      if (node === undefined) throw forbiddenObject(info, name, `node ${JSON.stringify(spec.nodeName)} not found`);
      const os = node.metadata?.labels?.['kubernetes.io/os'];
      if (os !== undefined && os !== 'linux') {
        const why = `pod resize is only supported on linux nodes, node ${JSON.stringify(spec.nodeName)} is ${JSON.stringify(os)}`;
        throw withCause(forbiddenObject(info, name, why), 'UnsupportedPlatform');
      }
      const allocatable = amountsOf(node.status?.allocatable);
      const requested = podRequests(spec);
      const short = ['cpu', 'memory'].flatMap((resource) => {
        const [wants, has] = [requested.get(resource) ?? 0, allocatable.get(resource) ?? 0];
        return wants > has ? [`${resource}, requested: ${wants}, allocatable: ${has}`] : [];
      });
      if (short.length === 0) return;
      const why = `node didn't have enough allocatable resources: ${short.join('; ')}`;
      throw withCause(forbiddenObject(info, name, why), 'NodeCapacity');
    },
  };
}

function withCause(error: ApiError, reason: string): ApiError {
  error.status.details = { ...error.status.details, causes: [{ reason }] };
  return error;
}
