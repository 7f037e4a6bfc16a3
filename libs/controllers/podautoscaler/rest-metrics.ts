// Metrics as servers behind the apiserver give them: metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io
// (pkg/controller/podautoscaler/metrics).
import type { LabelSelector, V2CrossVersionObjectReference } from '@drydock/api/generated/types.ts';
import { parseQuantity } from '@drydock/api/quantity.ts';
import { groupResourceOf } from '@drydock/api/resource.ts';
import { formatLabelSelector, requirementsOf } from '@drydock/api/selectors/label.ts';
import { ApiError, hasReason } from '@drydock/api/status.ts';
import type { ApiClient, RawQuery } from '@drydock/client/api-client.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import { parseDuration } from '@drydock/foundation/duration.ts';
import type { MetricsReader, PodMetric, PodMetrics } from './metrics.ts';
import { servedResource } from './target.ts';

/** What is taken for the window of a metric that does not say. */
const defaultWindowMs = 60_000;
/** The versions of custom.metrics.k8s.io that are understood, the preferred one first. */
const customVersions = ['v1beta2', 'v1beta1'];

interface ResourceMetrics {
  readonly metadata?: { readonly name?: string };
  readonly timestamp?: string;
  readonly window?: string;
  readonly containers?: readonly { readonly name: string; readonly usage?: Readonly<Record<string, string>> }[];
}

interface CustomMetric {
  readonly describedObject?: { readonly name?: string };
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  readonly value: string;
}

interface List<T> {
  readonly items?: readonly T[] | null;
}

export class RestMetrics implements MetricsReader {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  async resource(namespace: string, resource: string, selector: string, container: string): Promise<PodMetrics> {
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`;
    const query = { labelSelector: selector };
    const items = await this.#items<ResourceMetrics>('resource', path, query, 'get pods.metrics.k8s.io');
    const read = new Map<string, PodMetric>();
    for (const { metadata, timestamp, window, containers = [] } of items) {
      const wanted = container === '' ? containers : containers.filter(({ name }) => name === container);
      const amounts = wanted.map(({ usage }) => usage?.[resource]);
      if (amounts.length === 0 || amounts.includes(undefined)) continue;
      const value = amounts.reduce((total, amount) => total + milli(amount ?? '0'), 0);
      read.set(metadata?.name ?? '', {
        value,
        timestampMs: parseTime(timestamp) ?? 0,
        windowMs: parseDuration(window ?? '0') ?? 0,
      });
    }
    return read;
  }

  async pods(
    namespace: string,
    metric: string,
    selector: string,
    metricSelector: LabelSelector | undefined,
  ): Promise<PodMetrics> {
    const query = { labelSelector: selector, metricLabelSelector: textOf(metricSelector) };
    const path = `${await this.#customBase()}/namespaces/${namespace}/pods/*/${encodeURIComponent(metric)}`;
    const items = await this.#items<CustomMetric>('custom', path, query, 'get pods.custom.metrics.k8s.io *');
    return new Map(
      items.map(({ describedObject, timestamp, windowSeconds, value }) => [
        describedObject?.name ?? '',
        {
          value: milli(value),
          timestampMs: parseTime(timestamp) ?? 0,
          windowMs: windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000,
        },
      ]),
    );
  }

  async object(
    namespace: string,
    metric: string,
    { apiVersion = '', kind, name }: V2CrossVersionObjectReference,
    metricSelector: LabelSelector | undefined,
  ): Promise<number> {
    const query = { metricLabelSelector: textOf(metricSelector) };
    const base = await this.#customBase();
    // Whichever namespace is named, it is the autoscaler's own: who may make one there has no say in another (as upstream).
    const own = kind === 'Namespace' && !apiVersion.includes('/');
    const resource = own ? 'metrics' : groupResourceOf(await this.#resourceOf(apiVersion, kind));
    const object = own ? `${namespace}/metrics` : `${namespace}/${resource}/${encodeURIComponent(name)}`;
    const path = `${base}/namespaces/${object}/${encodeURIComponent(metric)}`;
    const items = await this.#items<CustomMetric>('custom', path, query, `get ${resource}.custom.metrics.k8s.io ${name}`);
    return milli(items[0]?.value ?? '0');
  }

  async external(namespace: string, metric: string, metricSelector: LabelSelector | undefined): Promise<number> {
    const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric)}`;
    const query = { labelSelector: textOf(metricSelector) };
    const items = await this.#items<CustomMetric>('external', path, query, `get ${metric}.external.metrics.k8s.io`);
    return items.reduce((total, { value }) => total + milli(value), 0);
  }

  async #resourceOf(apiVersion: string, kind: string): Promise<{ group: string; resource: string }> {
    try {
      return await servedResource(this.#client, apiVersion, kind);
    } catch (error) {
      throw new Error(`unable to fetch metrics from custom metrics API: ${(error as Error).message}`, { cause: error });
    }
  }

  /** The path of the first version that is served. */
  async #customBase(): Promise<string> {
    for (const version of customVersions) {
      const base = `/apis/custom.metrics.k8s.io/${version}`;
      if (await this.#isServed(base)) return base;
    }
    const none = 'no custom metrics API (custom.metrics.k8s.io) registered';
    throw new Error(`unable to fetch metrics from custom metrics API: ${none}`);
  }

  async #isServed(path: string): Promise<boolean> {
    try {
      await this.#client.getRaw(path);
      return true;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return false;
      throw new Error(`unable to fetch metrics from custom metrics API: ${(error as Error).message}`, { cause: error });
    }
  }

  async #items<T>(api: string, path: string, query: RawQuery, request: string): Promise<readonly T[]> {
    let list: List<T>;
    try {
      list = await this.#client.getRaw<List<T>>(path, query);
    } catch (error) {
      throw new Error(`unable to fetch metrics from ${api} metrics API: ${reasonOf(error, request)}`, { cause: error });
    }
    const items = list.items ?? [];
    if (items.length === 0) throw new Error(`no metrics returned from ${api} metrics API`);
    return items;
  }
}

/** As client-go words answers that are no Status of their own. */
function reasonOf(error: unknown, request: string): string {
  const own = error instanceof ApiError && error.status.details?.name !== undefined;
  if (!own && hasReason(error, 'NotFound')) return `the server could not find the requested resource (${request})`;
  if (!own && hasReason(error, 'ServiceUnavailable'))
    return `the server is currently unable to handle the request (${request})`;
  return (error as Error).message;
}

function textOf(selector: LabelSelector | undefined): string {
  const requirements = selector === undefined ? [] : requirementsOf(selector);
  if (requirements === undefined) throw new Error('the selector of the metric has an unknown operator');
  return formatLabelSelector(requirements);
}

/** Thousandths, rounded up. */
function milli(text: string): number {
  return Number(parseQuantity(text).milliValue());
}
