// The OpenAPI 3 document of metrics.k8s.io/v1beta1: what `kubectl explain` reads. Made when it is asked for.
import { createHash } from 'node:crypto';
import type { JsonObject } from '@drydock/api/json.ts';
import { gvkOf, type SchemaSet, schemaSet } from '@drydock/api/openapi/schemas.ts';
import { group, groupVersion, resources, version } from './resources.ts';

const prefix = 'io.k8s.metrics.pkg.apis.metrics.v1beta1';
const named = (name: string) => ({ $ref: `#/components/schemas/${prefix}.${name}` });

/** Where the document is, with the hash by which it may be kept; `path` as the index has it. */
export function openApiIndex(): { readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>> } {
  // What is our own decides: the models that it refers to need not be read for that.
  const own = JSON.stringify(definitions(namesOnly));
  const hash = createHash('sha512').update(own).digest('hex').toUpperCase();
  return { paths: { [`apis/${groupVersion}`]: { serverRelativeURL: `${documentPath}?hash=${hash}` } } };
}

const namesOnly = { ref: (model: string) => ({ $ref: model }), refNamed: (name: string) => ({ $ref: name }) };

export const documentPath = `/openapi/v3/apis/${groupVersion}`;

export function openApiDocument(): object {
  const set = schemaSet('v3', noTexts);
  const own = definitions(set);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes metrics-server', version: 'unversioned' },
    paths: Object.fromEntries(resources.flatMap((each) => pathsOf(each.resource, each.kind, each.namespaced))),
    components: { schemas: { ...set.schemas(), ...own } },
  };
}

const noTexts = () => ({ model: '', fields: {} });

function definitions(set: Pick<SchemaSet, 'ref' | 'refNamed'>): JsonObject {
  const quantity = set.refNamed('io.k8s.apimachinery.pkg.api.resource.Quantity');
  const time = set.refNamed('io.k8s.apimachinery.pkg.apis.meta.v1.Time');
  const typed = {
    apiVersion: { type: 'string', description: 'The version of this representation of the object.' },
    kind: { type: 'string', description: 'What the object stands for.' },
  };
  const usage = {
    type: 'object',
    description: 'What was used: cpu in cores, on average over the window; memory as the working set at its end.',
    additionalProperties: quantity,
  };
  const measured = {
    ...typed,
    metadata: { allOf: [set.ref('V1ObjectMeta')], default: {} },
    timestamp: { description: 'The end of the window in which it was measured.', allOf: [time] },
    window: { description: 'How long it was measured: from that long before the timestamp.', type: 'string' },
  };
  const object = (kind: string, description: string, properties: JsonObject, required: readonly string[]) => ({
    type: 'object',
    description,
    required,
    properties,
    ...(kind === '' ? {} : { 'x-kubernetes-group-version-kind': [gvkOf([group, version, kind])] }),
  });
  const list = (of: string) =>
    object(
      `${of}List`,
      `A list of ${of}.`,
      {
        ...typed,
        metadata: { allOf: [set.ref('V1ListMeta')], default: {} },
        items: { type: 'array', items: { allOf: [named(of)], default: {} } },
      },
      ['items'],
    );
  const containers = {
    type: 'array',
    description: 'Of each container of the pod.',
    items: { allOf: [named('ContainerMetrics')] },
  };
  const container = { name: { type: 'string', description: 'The name of the container.', default: '' }, usage };
  return {
    [`${prefix}.ContainerMetrics`]: object('', 'What a container uses.', container, ['name', 'usage']),
    [`${prefix}.NodeMetrics`]: object('NodeMetrics', 'What a node uses.', { ...measured, usage }, [
      'timestamp',
      'window',
      'usage',
    ]),
    [`${prefix}.NodeMetricsList`]: list('NodeMetrics'),
    [`${prefix}.PodMetrics`]: object('PodMetrics', 'What a pod uses.', { ...measured, containers }, [
      'timestamp',
      'window',
      'containers',
    ]),
    [`${prefix}.PodMetricsList`]: list('PodMetrics'),
  };
}

function pathsOf(resource: string, kind: string, namespaced: boolean): [string, JsonObject][] {
  const base = `/apis/${groupVersion}`;
  const own = `${base}${namespaced ? '/namespaces/{namespace}' : ''}/${resource}`;
  const get = (path: string, action: 'list' | 'get', answer: string): [string, JsonObject] => [
    path,
    {
      parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
        ...{ name, in: 'path', required: true },
        schema: { type: 'string', uniqueItems: true },
      })),
      get: {
        tags: ['metrics_v1beta1'],
        operationId: `${action}Metrics${version}${path === `${base}/${resource}` || !namespaced ? '' : 'Namespaced'}${kind}`,
        responses: {
          '200': { description: 'OK', content: { 'application/json': { schema: named(answer) } } },
          '401': { description: 'Unauthorized' },
        },
        'x-kubernetes-action': action,
        'x-kubernetes-group-version-kind': gvkOf([group, version, kind]),
      },
    },
  ];
  return [
    get(own, 'list', `${kind}List`),
    get(`${own}/{name}`, 'get', kind),
    ...(namespaced ? [get(`${base}/${resource}`, 'list', `${kind}List`)] : []),
  ];
}
