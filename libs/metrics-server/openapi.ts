// The OpenAPI documents of metrics.k8s.io/v1beta1, of versions 2 and 3: what `kubectl explain` and upstream's aggregator read. Made when
// they are asked for.
import { createHash } from 'node:crypto';
import type { JsonObject } from '@drydock/api/json.ts';
import { type Dialect, gvkOf, type SchemaSet, schemaSet } from '@drydock/api/openapi/schemas.ts';
import { group, groupVersion, resources, version } from './resources.ts';

/** The index of OpenAPI 3: where the document is, with the hash by which it may be kept. */
export function openApiIndex(): { readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>> } {
  // What is our own decides: the models that it refers to need not be read for that.
  const own = JSON.stringify(definitions('v3', namesOnly));
  const hash = createHash('sha512').update(own).digest('hex').toUpperCase();
  return { paths: { [`apis/${groupVersion}`]: { serverRelativeURL: `${openApiV3Path}?hash=${hash}` } } };
}

const namesOnly = { ref: (model: string) => ({ $ref: model }), refNamed: (name: string) => ({ $ref: name }) };

export const openApiV3Path = `/openapi/v3/apis/${groupVersion}`;

const info = { title: 'Kubernetes metrics-server', version: 'unversioned' };

export function openApiV3(): object {
  return { openapi: '3.0.0', info, paths: paths('v3'), components: { schemas: schemas('v3') } };
}

export function openApiV2(): object {
  return { swagger: '2.0', info, paths: paths('v2'), definitions: schemas('v2') };
}

function schemas(dialect: Dialect): JsonObject {
  const set = schemaSet(dialect, () => ({ model: '', fields: {} }));
  const own = definitions(dialect, set);
  return { ...set.schemas(), ...own };
}

const prefix = 'io.k8s.metrics.pkg.apis.metrics.v1beta1';

function named(dialect: Dialect, name: string): JsonObject {
  return { $ref: `${dialect === 'v2' ? '#/definitions/' : '#/components/schemas/'}${prefix}.${name}` };
}

function definitions(dialect: Dialect, set: Pick<SchemaSet, 'ref' | 'refNamed'>): JsonObject {
  // Beside a reference nothing else counts, and version 2 allows nothing else.
  const of = (reference: JsonObject, more: JsonObject = {}) => (dialect === 'v2' ? reference : { ...more, allOf: [reference] });
  const typed = {
    apiVersion: { type: 'string', description: 'The version of this representation of the object.' },
    kind: { type: 'string', description: 'What the object stands for.' },
  };
  const usage = {
    type: 'object',
    description: 'What was used: cpu in cores, on average over the window; memory as the working set at its end.',
    additionalProperties: set.refNamed('io.k8s.apimachinery.pkg.api.resource.Quantity'),
  };
  const measured = {
    ...typed,
    metadata: of(set.ref('V1ObjectMeta'), { default: {} }),
    timestamp: of(set.refNamed('io.k8s.apimachinery.pkg.apis.meta.v1.Time'), {
      description: 'The end of the window in which it was measured.',
    }),
    window: { description: 'How long it was measured: from that long before the timestamp.', type: 'string' },
  };
  const object = (description: string, properties: JsonObject, required: readonly string[], kind?: string) => ({
    type: 'object',
    description,
    required,
    properties,
    ...(kind === undefined ? {} : { 'x-kubernetes-group-version-kind': [gvkOf([group, version, kind])] }),
  });
  const list = (kind: string) => {
    const items = { type: 'array', items: of(named(dialect, kind), { default: {} }) };
    const properties = { ...typed, metadata: of(set.ref('V1ListMeta'), { default: {} }), items };
    return object(`A list of ${kind}.`, properties, ['items'], `${kind}List`);
  };
  const containers = {
    type: 'array',
    description: 'Of each container of the pod.',
    items: of(named(dialect, 'ContainerMetrics')),
  };
  const container = { name: { type: 'string', description: 'The name of the container.' }, usage };
  return {
    [`${prefix}.ContainerMetrics`]: object('What a container uses.', container, ['name', 'usage']),
    [`${prefix}.NodeMetrics`]: object(
      'What a node uses.',
      { ...measured, usage },
      ['timestamp', 'window', 'usage'],
      'NodeMetrics',
    ),
    [`${prefix}.NodeMetricsList`]: list('NodeMetrics'),
    [`${prefix}.PodMetrics`]: object(
      'What a pod uses.',
      { ...measured, containers },
      ['timestamp', 'window', 'containers'],
      'PodMetrics',
    ),
    [`${prefix}.PodMetricsList`]: list('PodMetrics'),
  };
}

function paths(dialect: Dialect): JsonObject {
  const base = `/apis/${groupVersion}`;
  return Object.fromEntries(
    resources.flatMap(({ resource, kind, namespaced }) => {
      const own = `${base}${namespaced ? '/namespaces/{namespace}' : ''}/${resource}`;
      const scope = namespaced ? 'Namespaced' : '';
      const everywhere = operation(dialect, kind, `list${kind}ForAllNamespaces`, 'list');
      return [
        [own, withParameters(dialect, own, operation(dialect, kind, `list${scope}${kind}`, 'list'))],
        [`${own}/{name}`, withParameters(dialect, `${own}/{name}`, operation(dialect, kind, `read${scope}${kind}`, 'get'))],
        ...(namespaced ? [[`${base}/${resource}`, { get: everywhere }]] : []),
      ];
    }),
  );
}

function withParameters(dialect: Dialect, path: string, get: JsonObject): JsonObject {
  const text = { type: 'string', uniqueItems: true };
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    ...{ name, in: 'path', required: true },
    ...(dialect === 'v2' ? text : { schema: text }),
  }));
  return { ...(parameters.length === 0 ? {} : { parameters }), get };
}

function operation(dialect: Dialect, kind: string, operationId: string, action: 'list' | 'get'): JsonObject {
  const schema = named(dialect, action === 'list' ? `${kind}List` : kind);
  const types = ['application/json', 'application/yaml'];
  const answer = dialect === 'v2' ? { schema } : { content: Object.fromEntries(types.map((type) => [type, { schema }])) };
  return {
    ...(dialect === 'v2' ? { produces: types, schemes: ['https'] } : {}),
    tags: ['metrics_v1beta1'],
    operationId,
    responses: { '200': { description: 'OK', ...answer }, '401': { description: 'Unauthorized' } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvkOf([group, version, kind]),
  };
}
