// Discovery of the one group, in the older form and the aggregated one. Pure.
import { parseAccept } from '@drydock/api/negotiate.ts';
import { group, groupVersion, resources, verbs, version } from './resources.ts';

export interface Document {
  readonly value: object;
  readonly type: string;
}

const preferred = { groupVersion, version };
const groupRow = { name: group, versions: [preferred], preferredVersion: preferred };

const rows = resources.map(({ resource, kind, namespaced }) => ({ name: resource, singularName: '', namespaced, kind, verbs }));

const aggregated = {
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items: [
    {
      metadata: { name: group },
      versions: [
        {
          version,
          resources: resources.map(({ resource, kind, namespaced }) => ({
            resource,
            responseKind: { group, version, kind },
            scope: namespaced ? 'Namespaced' : 'Cluster',
            singularResource: '',
            verbs,
          })),
          freshness: 'Current',
        },
      ],
    },
  ],
};

/** Undefined where the path is none of discovery's. */
export function discover(path: string, accept: string): Document | undefined {
  const plain = (value: object): Document => ({ value, type: 'application/json' });
  switch (path.replace(/\/$/, '')) {
    case '/apis':
      return wantsAggregated(accept)
        ? { value: aggregated, type: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }
        : plain({ kind: 'APIGroupList', apiVersion: 'v1', groups: [groupRow] });
    case `/apis/${group}`:
      return plain({ kind: 'APIGroup', apiVersion: 'v1', ...groupRow });
    case `/apis/${groupVersion}`:
      return plain({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: rows });
    default:
      return undefined;
  }
}

/** The first form of JSON that is there. */
function wantsAggregated(accept: string): boolean {
  const known = parseAccept(accept).filter(({ type }) => ['application/json', 'application/*', '*/*', ''].includes(type));
  const [first] = known.filter(
    ({ parameters: { as, v } }) => as === undefined || (as === 'APIGroupDiscoveryList' && v === 'v2'),
  );
  return first?.parameters.as !== undefined;
}
