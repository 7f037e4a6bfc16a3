// One round: every node's kubelet is asked, some at once, each with its time; who does not answer is missing, and keeps nobody waiting
// (metrics-server: pkg/scraper).

import type { Node } from '@drydock/api/generated/types.ts';
import { hasReason } from '@drydock/api/status.ts';
import { bounded } from '@drydock/client/bounded.ts';
import type { Metrics } from '@drydock/client/metrics.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { decodeBatch } from './decode.ts';
import { scrapesAtOnce } from './limits.ts';
import { type KubeletPlace, type PlaceOptions, placeOf } from './place.ts';
import type { Batch, MetricsPoint, PodId } from './points.ts';

/** Asks a kubelet for its text; rejects where that is not to be had, and when the signal aborts. */
export interface KubeletReader {
  read(place: KubeletPlace, signal: AbortSignal): Promise<string>;
}

export interface ScraperOptions {
  readonly reader: KubeletReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly places: PlaceOptions;
  /** --kubelet-request-timeout. */
  readonly timeoutMs: number;
  /** The node that a pod is bound to: of others' pods a kubelet has nothing to say. */
  readonly nodeOfPod: (id: PodId) => string | undefined;
}

/** Prometheus' own. */
const defaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Scraper {
  readonly #options: ScraperOptions;
  readonly #duration: (seconds: number, labels: { readonly node: string }) => void;
  readonly #total: (labels: { readonly success: string }) => void;
  /** By node, in seconds since the Unix epoch; of the nodes of the last round. */
  #asked = new Map<string, number>();

  constructor(options: ScraperOptions) {
    const { metrics } = options;
    this.#options = options;
    this.#duration = metrics.histogram(
      'metrics_server_kubelet_request_duration_seconds',
      'Duration of requests to Kubelet API in seconds',
      defaultBounds,
    );
    this.#total = metrics.counter('metrics_server_kubelet_request_total', 'Number of requests sent to Kubelet API');
    metrics.gauges(
      'metrics_server_kubelet_last_request_time_seconds',
      'Time of last request performed to Kubelet API since unix epoch in seconds',
      () => [...this.#asked].map(([node, at]) => [{ node }, at] as const),
    );
  }

  /** Never rejects; what is not there when the signal aborts is missing. */
  async scrape(nodes: readonly Node[], signal: AbortSignal): Promise<Batch> {
    const found = { nodes: new Map<string, MetricsPoint>(), pods: new Map<PodId, ReadonlyMap<string, MetricsPoint>>() };
    const asked = new Map<string, number>();
    const waiting = nodes.values();
    const worker = async () => {
      for (const node of waiting) {
        const name = node.metadata?.name ?? '';
        const batch = await this.#node(node, name, signal);
        asked.set(name, Math.floor(this.#options.clock.wallMs() / 1_000));
        for (const [key, point] of batch?.nodes ?? []) found.nodes.set(key, point);
        for (const [id, containers] of batch?.pods ?? [])
          if (this.#options.nodeOfPod(id) === name) found.pods.set(id, containers);
      }
    };
    await Promise.all(Array.from({ length: Math.min(scrapesAtOnce, nodes.length) }, worker));
    this.#asked = asked;
    return found;
  }

  async #node(node: Node, name: string, signal: AbortSignal): Promise<Batch | undefined> {
    const { reader, clock, places, timeoutMs } = this.#options;
    const askedAtMs = clock.wallMs();
    const startMs = clock.monotonicMs();
    try {
      const place = placeOf(node, places);
      if (typeof place === 'string') throw new Error(place);
      const text = await bounded(clock, { signal, timeoutMs }, `node ${name}`, (stop) => reader.read(place, stop));
      const batch = decodeBatch(text, name, askedAtMs);
      this.#total({ success: 'true' });
      return batch;
    } catch (error) {
      this.#total({ success: 'false' });
      this.#tell(node, name, error);
      return undefined;
    } finally {
      this.#duration((clock.monotonicMs() - startMs) / 1_000, { node: name });
    }
  }

  #tell(node: Node, name: string, err: unknown): void {
    const { log, timeoutMs } = this.#options;
    if (!isReady(node)) log.debug({ err, node: name }, 'Failed to scrape node, node is not ready');
    else if (hasReason(err, 'Timeout'))
      log.error({ node: name, timeoutMs }, 'Failed to scrape node, timeout to access kubelet');
    else log.error({ err, node: name }, 'Failed to scrape node');
  }
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
}
