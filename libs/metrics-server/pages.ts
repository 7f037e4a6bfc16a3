// Everything that the metrics server answers, to whom the guard has let through: the API, its discovery, health and its own metrics.
import type { ResourceAttributes } from '@drydock/api/generated/types.ts';
import { negotiate } from '@drydock/api/negotiate.ts';
import { apiParts, methodVerbs, readsOf, requestPlace } from '@drydock/api/request-path.ts';
import { ApiError, apiError, methodNotAllowed, notServed } from '@drydock/api/status.ts';
import type { Metrics } from '@drydock/client/metrics.ts';
import type { Pages, Question } from '@drydock/client/serving.ts';
import { metricsType, type StatusAnswer, statusAnswerOf } from '@drydock/client/status-server.ts';
import { stringifyYaml } from '@drydock/foundation/lazy-yaml.ts';
import { type HealthCheck, healthAnswer } from '@drydock/foundation/serving/health-checks.ts';
import { answerOf, type Sources } from './answers.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Collector } from './collector.ts';
import { discover } from './discovery.ts';
import { openApiIndex, openApiV2, openApiV3, openApiV3Path } from './openapi.ts';
import { group, resources, version } from './resources.ts';
import type { MetricsStorage } from './storage.ts';

export interface PagesOptions {
  readonly view: ClusterView;
  readonly storage: MetricsStorage;
  readonly collector: Collector;
  readonly metrics: Metrics;
  /** Since the Unix epoch. */
  readonly nowMs: () => number;
}

export function metricsPages({ view, storage, collector, metrics, nowMs }: PagesOptions): Pages {
  const freshness = metrics.histogram(
    'metrics_server_api_metric_freshness_seconds',
    'Freshness of metrics exported',
    freshnessBounds,
  );
  const sources: Sources = { view, storage, nowMs, aged: (ageMs) => freshness(ageMs / 1_000) };
  const health = healthChecks(view, storage, collector);
  return {
    attributesOf,
    async answer(question) {
      const { path, query } = question;
      const checked = await healthAnswer(path, query, health);
      if (checked !== undefined) return { code: checked.code, body: checked.text };
      if (path === '/metrics') return { code: 200, body: metrics.text(), type: metricsType };
      try {
        return attributesOf(question) === undefined ? documentAnswer(question) : resourceAnswer(sources, question);
      } catch (error) {
        if (error instanceof ApiError) return statusAnswerOf(error);
        throw error;
      }
    },
  };
}

/** One second, each 1.364 times the one before. */
const freshnessBounds = Array.from({ length: 20 }, (_, at) => 1.364 ** at);

const selectorsOf = (query: URLSearchParams) => ({
  labelSelector: query.get('labelSelector') ?? '',
  fieldSelector: query.get('fieldSelector') ?? '',
});

function attributesOf({ method, path, query }: Question): ResourceAttributes | undefined {
  const parts = apiParts(path);
  if (parts === undefined) return undefined;
  const { target } = requestPlace(parts.inside);
  const read = readsOf(methodVerbs[method] ?? '', target.name, query, () => selectorsOf(query));
  const { resource, namespace, subresource } = target;
  return { group: parts.group, version: parts.version, resource, namespace, subresource, name: read.name, verb: read.verb };
}

function resourceAnswer(sources: Sources, { method, path, query, headers }: Question): StatusAnswer {
  const parts = apiParts(path);
  if (parts?.group !== group || parts.version !== version) return { code: 404, body: '404 page not found\n' };
  const { target, nested } = requestPlace(parts.inside);
  const { namespace, name, subresource } = target;
  const resource = resources.find((each) => each.resource === target.resource);
  if (resource === undefined || subresource !== '' || (nested && !resource.namespaced)) throw notServed();
  // One of all namespaces has no name of its own.
  if (resource.namespaced && name !== '' && !nested) throw notServed();
  if (method !== 'GET') throw methodNotAllowed();
  if (readsOf('get', name, query, () => ({})).verb === 'watch')
    throw apiError('MethodNotAllowed', `watch is not supported on resources of kind "${resource.resource}.${group}"`, {
      group,
      kind: resource.resource,
    });
  const { yaml, form } = negotiate(headers.accept);
  const include = query.get('includeObject');
  const includeObject = include === 'None' || include === 'Object' ? include : 'Metadata';
  const value = answerOf(sources, { resource, namespace, name, ...selectorsOf(query) }, { ...form, includeObject });
  return yaml
    ? { code: 200, body: stringifyYaml(value, { aliasDuplicateObjects: false }), type: 'application/yaml' }
    : { code: 200, body: `${JSON.stringify(value)}\n`, type: 'application/json' };
}

const rootPaths = [
  ...['/apis', `/apis/${group}`, `/apis/${group}/${version}`, '/healthz', '/livez', '/metrics'],
  ...['/openapi/v2', '/openapi/v3', openApiV3Path, '/readyz'],
];

function documentAnswer({ method, path, headers }: Question): StatusAnswer {
  const found = documentOf(path, headers.accept ?? '');
  if (found === undefined) return { code: 404, body: '404 page not found\n' };
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
  return { code: 200, body: JSON.stringify(found.value), type: found.type, headers: { vary: 'Accept' } };
}

function documentOf(path: string, accept: string): { readonly value: object; readonly type: string } | undefined {
  const plain = (value: object) => ({ value, type: 'application/json' });
  if (path === '/') return plain({ paths: rootPaths });
  if (path === '/openapi/v3' || path === '/openapi/v3/') return plain(openApiIndex());
  if (path === openApiV3Path) return plain(openApiV3());
  if (path === '/openapi/v2') return plain(openApiV2());
  return discover(path, accept);
}

function healthChecks(view: ClusterView, storage: MetricsStorage, collector: Collector) {
  const check = (name: string, problem: () => string | undefined): HealthCheck => ({ name, check: async () => problem() });
  const common = [
    check('ping', () => undefined),
    check('metadata-informer-sync', () =>
      view.missing === 'pod' ? '1 informers not started yet: [/v1, Resource=pods]' : undefined,
    ),
  ];
  const ready = check('metric-storage-ready', () => (storage.isReady ? undefined : 'no metrics to serve'));
  const synced = check('metric-informer-sync', () =>
    view.missing === undefined ? undefined : `cache for ${view.missing} informer has not synced`,
  );
  return {
    healthz: common,
    livez: [...common, check('metric-collection-timely', () => collector.late())],
    readyz: [...common, ready, synced],
  };
}
