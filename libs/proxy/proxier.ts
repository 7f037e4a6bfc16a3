// Drives plan.ts: one transaction per sync, the first change at once, further ones together after the minimum period. Once a sync
// period it looks whether the table is still as it was left, and mends it.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { FlowCleaner } from './flow-cleaner.ts';
import type { RuleSink } from './nft.ts';
import { type PlanOptions, planRules, tableName } from './plan.ts';
import { type RuleSet, rebuild, transaction } from './rule-set.ts';
import type { ServicePort } from './service-port.ts';
import { filledLookups, firstDifference } from './table-contents.ts';

export interface ProxierOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly sink: RuleSink;
  readonly minSyncPeriodMs: number;
  /** How often the table is compared with what it should be, and flows with their services. */
  readonly syncPeriodMs: number;
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
/** The whole table is written anew after this long, whatever it looks like (upstream: proxyutil.FullSyncPeriod). */
const fullSyncPeriodMs = 3_600_000;

export class Proxier {
  readonly #options: ProxierOptions;
  #applied: RuleSet | undefined;
  readonly #flows: FlowCleaner;
  #timer: Timer | undefined;
  #periodic: Timer | undefined;
  #running: Promise<void> | undefined;
  #dirty = false;
  #stopped = false;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  /** When the whole table was last written, and when it was last found as it should be. */
  #lastFullMs = Number.NEGATIVE_INFINITY;
  #lastCheckMs = Number.NEGATIVE_INFINITY;
  /** Set while syncs fail. */
  #retryMs: number | undefined;
  #queuedAtMs: number | undefined;
  /** The same for changes that came while a sync was under way. */
  #queuedNextMs: number | undefined;

  constructor(options: ProxierOptions) {
    this.#options = options;
    this.#flows = new FlowCleaner(options.sink, options.log);
  }

  /** Monotonic time since which a change waits to be applied; undefined where none does. */
  get queuedAtMs(): number | undefined {
    return this.#queuedAtMs;
  }

  /** Something changed. */
  trigger(): void {
    const now = this.#options.clock.monotonicMs();
    if (this.#running !== undefined) this.#queuedNextMs ??= now;
    this.#queuedAtMs ??= now;
    this.#dirty = true;
    this.#schedule(this.#untilNextMs());
  }

  /** Waits for a sync under way. The rules stay. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#periodic?.cancel();
    await this.#running;
  }

  #untilNextMs(): number {
    return Math.max(gatherMs, this.#lastStartMs + this.#options.minSyncPeriodMs - this.#options.clock.monotonicMs());
  }

  #schedule(delayMs: number): void {
    if (this.#stopped || this.#timer !== undefined || this.#running !== undefined) return;
    this.#timer = this.#options.clock.timer(delayMs, () => {
      this.#timer = undefined;
      this.#periodic?.cancel();
      this.#running = this.#sync().finally(() => {
        this.#running = undefined;
        if (this.#dirty) this.#schedule(this.#retryMs ?? this.#untilNextMs());
        else this.#checkLater();
      });
    });
  }

  #checkLater(): void {
    if (this.#stopped) return;
    const { clock, syncPeriodMs } = this.#options;
    this.#periodic = clock.timer(this.#lastCheckMs + syncPeriodMs - clock.monotonicMs(), () => this.#schedule(0));
  }

  async #sync(): Promise<void> {
    const { clock, log } = this.#options;
    this.#queuedNextMs = undefined;
    this.#dirty = false;
    this.#lastStartMs = clock.monotonicMs();
    const checkDue = this.#lastStartMs - this.#lastCheckMs >= this.#options.syncPeriodMs;
    try {
      const { ports, plan } = this.#options.observe();
      await this.#write(planRules(ports, plan), checkDue);
      await this.#flows.clean(ports, plan.nodePortIPs, checkDue);
      if (checkDue) this.#lastCheckMs = this.#lastStartMs;
      this.#retryMs = undefined;
      this.#queuedAtMs = this.#queuedNextMs;
      this.#options.onSynced(clock.monotonicMs() - this.#lastStartMs, clock.wallMs());
    } catch (err) {
      // What the table holds now is unknown: the next transaction starts from its names.
      this.#applied = undefined;
      this.#dirty = true;
      this.#queuedAtMs ??= this.#lastStartMs;
      this.#retryMs = Math.min((this.#retryMs ?? retryMinMs / 2) * 2, retryMaxMs);
      log.error({ err, retryInMs: this.#retryMs }, 'rules were not applied');
    }
  }

  async #write(after: RuleSet, checkDue: boolean): Promise<void> {
    const { clock, log, sink } = this.#options;
    const applied = await this.#stillApplied(checkDue);
    let lines: string[];
    if (applied !== undefined) lines = transaction(tableName, applied, after);
    // A table that cannot be taken over as it is, by whatever its last writer did to it.
    else if (this.#retryMs !== undefined && this.#retryMs > retryMinMs) lines = rebuild(tableName, after);
    else lines = transaction(tableName, await sink.contents(tableName, []), after);
    if (lines.length > 0) {
      const started = clock.monotonicMs();
      await sink.apply(lines);
      log.debug({ lines: lines.length, ms: clock.monotonicMs() - started }, 'rules were applied');
    }
    if (applied === undefined) this.#lastFullMs = this.#lastStartMs;
    this.#applied = after;
  }

  /** What the table is known to hold; undefined where that is not certain. */
  async #stillApplied(checkDue: boolean): Promise<RuleSet | undefined> {
    const { log, sink } = this.#options;
    const applied = this.#applied;
    if (applied === undefined || this.#lastStartMs - this.#lastFullMs >= fullSyncPeriodMs) return undefined;
    if (!checkDue) return applied;
    let difference: string | undefined;
    try {
      difference = firstDifference(await sink.contents(tableName, filledLookups(applied)), applied);
    } catch (err) {
      // To write everything anew would cost session affinity, every period where the table is too large to be listed.
      log.warn({ err }, 'the table could not be looked at');
      return applied;
    }
    if (difference === undefined) return applied;
    log.warn({ difference }, 'the table is not as it was left: it is written anew');
    return undefined;
  }
}
