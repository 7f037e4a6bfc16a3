// Request metrics under upstream's names.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Caches } from '../registry/caches.ts';
import type { Exchange } from './exchange.ts';
import { labelsOf } from './metrics-labels.ts';
import type { PathInfo } from './request-info.ts';

const durationBuckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

/** The metrics of one server. */
export class RequestMetrics {
  readonly registry = new Registry();
  readonly #total: Counter;
  readonly #duration: Histogram;

  constructor(caches: Caches) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 });
    this.#total = new Counter({
      name: 'apiserver_request_total',
      help: 'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
      labelNames: ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component', 'code'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
      labelNames: ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component'],
      buckets: durationBuckets,
      registers,
    });
    new Gauge({
      name: 'apiserver_storage_objects',
      help: 'Number of stored objects at the time of last check split by kind.',
      labelNames: ['resource'],
      registers,
      collect() {
        for (const { prefix, cache } of caches.started()) {
          this.set({ resource: prefix.slice('/registry/'.length, -1) }, cache.size);
        }
      },
    });
  }

  observe(info: PathInfo, exchange: Exchange, seconds: number): void {
    const labels = labelsOf(info, exchange);
    if (labels === undefined) return;
    this.#total.inc({ ...labels, code: String(exchange.res.statusCode) });
    if (labels.verb !== 'WATCH') this.#duration.observe({ ...labels }, seconds);
  }
}
