// Drives plan.ts: one transaction per sync, the first change at once, further ones together after the minimum period.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { staleFlows, udpFingerprint } from './conntrack-plan.ts';
import type { RuleSink } from './nft.ts';
import { type PlanOptions, planRules, tableName } from './plan.ts';
import { type RuleSet, transaction } from './rule-set.ts';
import type { ServicePort } from './service-port.ts';

export interface ProxierOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly sink: RuleSink;
  readonly minSyncPeriodMs: number;
  /** What is to be proxied, read afresh at every sync. */
  readonly observe: () => { readonly ports: readonly ServicePort[]; readonly plan: PlanOptions };
  /** After every successful sync. */
  readonly onSynced: (durationMs: number, wallMs: number) => void;
}

/** After a failed sync the next try comes after this, doubling up to the maximum. */
const retryMinMs = 1_000;
const retryMaxMs = 30_000;
/** Changes of one turn of the watch are taken together. */
const gatherMs = 5;

export class Proxier {
  readonly #options: ProxierOptions;
  #applied: RuleSet | undefined;
  #udp: string | undefined;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #dirty = false;
  #stopped = false;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  /** Set while syncs fail. */
  #retryMs: number | undefined;
  #queuedAtMs: number | undefined;

  constructor(options: ProxierOptions) {
    this.#options = options;
  }

  /** Monotonic time since which a change waits to be applied; undefined where none does. */
  get queuedAtMs(): number | undefined {
    return this.#queuedAtMs;
  }

  /** Something changed. */
  trigger(): void {
    this.#queuedAtMs ??= this.#options.clock.monotonicMs();
    this.#dirty = true;
    this.#schedule(this.#untilNextMs());
  }

  /** Waits for a sync under way. The rules stay. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  #untilNextMs(): number {
    return Math.max(gatherMs, this.#lastStartMs + this.#options.minSyncPeriodMs - this.#options.clock.monotonicMs());
  }

  #schedule(delayMs: number): void {
    if (this.#stopped || this.#timer !== undefined || this.#running !== undefined) return;
    this.#timer = this.#options.clock.timer(delayMs, () => {
      this.#timer = undefined;
      this.#running = this.#sync().finally(() => {
        this.#running = undefined;
        if (this.#dirty) this.#schedule(this.#retryMs ?? this.#untilNextMs());
      });
    });
  }

  async #sync(): Promise<void> {
    const { clock, log, sink } = this.#options;
    const queuedAtMs = this.#queuedAtMs;
    this.#queuedAtMs = undefined;
    this.#dirty = false;
    this.#lastStartMs = clock.monotonicMs();
    try {
      const { ports, plan } = this.#options.observe();
      const after = planRules(ports, plan);
      const lines = transaction(tableName, this.#applied ?? (await sink.names(tableName)), after);
      if (lines.length > 0) await sink.apply(lines);
      this.#applied = after;
      await this.#dropStaleFlows(ports, plan.nodePortIPs);
      this.#retryMs = undefined;
      this.#options.onSynced(clock.monotonicMs() - this.#lastStartMs, clock.wallMs());
    } catch (err) {
      // What the table holds now is unknown: the next transaction starts from its names.
      this.#applied = undefined;
      this.#dirty = true;
      this.#queuedAtMs = queuedAtMs ?? this.#lastStartMs;
      this.#retryMs = Math.min((this.#retryMs ?? retryMinMs / 2) * 2, retryMaxMs);
      log.error({ err, retryInMs: this.#retryMs }, 'rules were not applied');
    }
  }

  async #dropStaleFlows(ports: readonly ServicePort[], nodePortIPs: readonly string[]): Promise<void> {
    const { log, sink } = this.#options;
    const udp = udpFingerprint(ports);
    if (udp === this.#udp) return;
    try {
      if (udp !== '') {
        const stale = staleFlows(await sink.udpFlows(), ports, nodePortIPs);
        for (const flow of stale) await sink.deleteFlow(flow);
        if (stale.length > 0) log.info({ flows: stale.length }, 'deleted stale UDP flows');
      }
      this.#udp = udp;
    } catch (err) {
      log.warn({ err }, 'stale UDP flows could not be looked for');
    }
  }
}
