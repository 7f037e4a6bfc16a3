// Rounds, one every resolution, into the storage (metrics-server: pkg/server/server.go).
import type { Node } from '@drydock/api/generated/types.ts';
import type { Metrics } from '@drydock/client/metrics.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { lateRounds } from './limits.ts';
import type { Scraper } from './scraper.ts';
import type { MetricsStorage } from './storage.ts';
import { tickBounds } from './tick-bounds.ts';

export interface CollectorOptions {
  readonly scraper: Pick<Scraper, 'scrape'>;
  readonly storage: MetricsStorage;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** --metric-resolution. */
  readonly resolutionMs: number;
  /** Those that are asked. */
  readonly nodes: () => readonly Node[];
}

export class Collector {
  readonly #options: CollectorOptions;
  readonly #tick: (seconds: number) => void;
  #begunMs: number | undefined;

  constructor(options: CollectorOptions) {
    const { metrics, resolutionMs, storage } = options;
    this.#options = options;
    this.#tick = metrics.histogram(
      'metrics_server_manager_tick_duration_seconds',
      'The total time spent collecting and storing metrics in seconds.',
      tickBounds(resolutionMs / 1_000),
    );
    metrics.gauges('metrics_server_storage_points', 'Number of metrics points stored.', () => {
      const { nodes, containers } = storage.points;
      return [[{ type: 'container' }, containers] as const, [{ type: 'node' }, nodes] as const];
    });
  }

  /** What is wrong with the pace of the rounds; undefined where nothing is. */
  late(): string | undefined {
    const { clock, resolutionMs } = this.#options;
    const sinceMs = clock.monotonicMs() - (this.#begunMs ?? clock.monotonicMs());
    return sinceMs > lateRounds * resolutionMs ? "metric collection didn't finish on time" : undefined;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, resolutionMs } = this.#options;
    while (!signal.aborted) {
      const begunMs = clock.monotonicMs();
      this.#begunMs = begunMs;
      await this.#round(signal);
      this.#tick((clock.monotonicMs() - begunMs) / 1_000);
      await clock.sleep(begunMs + resolutionMs - clock.monotonicMs(), signal).catch(() => {});
    }
  }

  /** No longer than a resolution. */
  async #round(signal: AbortSignal): Promise<void> {
    const { scraper, storage, clock, resolutionMs, nodes } = this.#options;
    const over = new AbortController();
    const timer = clock.timer(resolutionMs, () => over.abort(new Error('the round has taken its time')));
    const stop = () => over.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      storage.store(await scraper.scrape(nodes(), over.signal));
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', stop);
    }
  }
}
