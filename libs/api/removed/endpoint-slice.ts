// EndpointSlice of discovery.k8s.io/v1beta1: the node and zone of an endpoint were labels among others.
import { isObject, type JsonObject } from '../json.ts';
import { objectsAt } from './fields.ts';

const nodeLabel = 'kubernetes.io/hostname';
const zoneLabel = 'topology.kubernetes.io/zone';

export function endpointSlice(object: JsonObject): void {
  for (const endpoint of objectsAt(object, 'endpoints')) {
    const { topology } = endpoint;
    delete endpoint.topology;
    if (!isObject(topology)) continue;
    const { [nodeLabel]: node, [zoneLabel]: zone, ...others } = topology;
    if (node !== undefined) endpoint.nodeName ??= node;
    if (zone !== undefined) endpoint.zone ??= zone;
    if (Object.keys(others).length > 0) endpoint.deprecatedTopology = others;
  }
}
