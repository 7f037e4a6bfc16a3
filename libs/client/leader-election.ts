// Leader election by a Lease: of several processes with one lease, at most one acts (as far as clocks run alike).
import type { Lease, LeaseSpec } from '@drydock/api/generated/types.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { ApiClient, ObjectKey } from './api-client.ts';
import { type ElectionLock, electionLock, type LockKind } from './election-lock.ts';
import { planElection, releasedSpec } from './election-plan.ts';
import { Leadership } from './leadership.ts';
import { electionJitterFactor, leaseDurationMs, renewDeadlineMs, retryPeriodMs } from './limits.ts';

export interface ElectionTimings {
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** Upstream's `--leader-elect-*` defaults. */
export const defaultTimings: ElectionTimings = { leaseDurationMs, renewDeadlineMs, retryPeriodMs };

export interface ElectionOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly lease: Required<ObjectKey>;
  /** What the lease is kept in; a Lease unless given. */
  readonly lock?: LockKind | undefined;
  /** Must differ between candidates: host name and a UUID, as upstream. */
  readonly identity: string;
  readonly timings?: ElectionTimings | undefined;
  /** Called once, when the lease is held; what is written under the leadership stops in time, whatever becomes of the lease. */
  readonly onStartedLeading: (leadership: Leadership) => void;
  /** Called at once when the lease could not be renewed within the renew deadline. Most programs end themselves here. */
  readonly onLost: () => void;
  /** Called when another holder is seen for the first time. */
  readonly onNewLeader?: ((identity: string) => void) | undefined;
}

/** A problem of the timings, as upstream words it, or undefined. */
export function checkTimings(timings: ElectionTimings): string | undefined {
  if (timings.leaseDurationMs <= timings.renewDeadlineMs) return 'leaseDuration must be greater than renewDeadline';
  if (timings.renewDeadlineMs <= electionJitterFactor * timings.retryPeriodMs) {
    return 'renewDeadline must be greater than retryPeriod*JitterFactor';
  }
  return undefined;
}

/**
 * Stands for election until the signal aborts, then gives up a lease it holds, so that the next candidate need not wait: once the
 * writes under way have ended (where they do not, the lease is left to run out). After `onLost` it ends: who lost a lease starts
 * anew. Never throws.
 */
export async function runElection(options: ElectionOptions, signal: AbortSignal): Promise<void> {
  await new Elector(options, signal).run();
}

interface Bound {
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
}

/** The lease is not as it was seen last. */
function isOvertaken(error: unknown): boolean {
  return hasReason(error, 'Conflict') || hasReason(error, 'NotFound') || hasReason(error, 'AlreadyExists');
}

/** Where there is no election: leads until the signal aborts, and resolves when the writes under way have ended or were aborted. */
export async function leadUntil(leadership: Leadership, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await leadership.giveUp(renewDeadlineMs);
}

class Elector {
  readonly #options: ElectionOptions;
  readonly #timings: ElectionTimings;
  readonly #signal: AbortSignal;
  readonly #lock: ElectionLock;
  #lease: Lease | undefined;
  #seen = '';
  #observedAtMs = 0;
  #leader = '';

  constructor(options: ElectionOptions, signal: AbortSignal) {
    this.#options = options;
    this.#timings = options.timings ?? defaultTimings;
    this.#signal = signal;
    this.#lock = electionLock(options.lock ?? 'leases', options.client, options.lease);
  }

  async run(): Promise<void> {
    const { clock, random, log, identity } = this.#options;
    const { renewDeadlineMs: deadlineMs, retryPeriodMs: periodMs } = this.#timings;
    const jitter = random.stream('leader-election');
    let sentAtMs: number | undefined;
    while (!this.#signal.aborted) {
      sentAtMs = await this.#attempt(deadlineMs, this.#signal);
      // What was taken by a request that is too old by now is not acted on.
      if (sentAtMs !== undefined && clock.monotonicMs() < sentAtMs + deadlineMs) break;
      await this.#sleep(periodMs * (1 + electionJitterFactor * jitter.next()));
    }
    if (this.#signal.aborted || sentAtMs === undefined) {
      await this.#release();
      return;
    }
    log.info({ lease: this.#options.lease.name, identity }, 'successfully acquired lease');
    const leadership = new Leadership(clock, sentAtMs + deadlineMs);
    this.#options.onStartedLeading(leadership);
    const end = (): void => leadership.end();
    this.#signal.addEventListener('abort', end, { once: true });
    await this.#keep(leadership, sentAtMs);
    this.#signal.removeEventListener('abort', end);
    if (!this.#signal.aborted) {
      leadership.revoke('the lease is lost');
      log.error({ lease: this.#options.lease.name }, 'failed to renew lease');
      this.#options.onLost();
    } else if (await leadership.giveUp(leadership.untilMs - clock.monotonicMs())) await this.#release();
    else log.warn({ lease: this.#options.lease.name }, 'writes were still under way: the lease is left to run out');
  }

  /** Renews until the signal aborts, the leadership ends or another has the lease. */
  async #keep(leadership: Leadership, acquiredAtMs: number): Promise<void> {
    const { clock, identity } = this.#options;
    const ended = leadership.held;
    let triedAtMs = acquiredAtMs;
    while (!ended.aborted && this.#leader === identity) {
      const dueMs = triedAtMs + this.#timings.retryPeriodMs;
      await clock.sleep(dueMs - clock.monotonicMs(), ended).catch(() => {});
      triedAtMs = clock.monotonicMs();
      const leftMs = leadership.untilMs - triedAtMs;
      if (ended.aborted || leftMs <= 0) return;
      const sentAtMs = await this.#attempt(leftMs, ended);
      // The others count from when they see the renewal, which is after it was sent: that is all that is known of it here.
      if (sentAtMs !== undefined) leadership.extend(sentAtMs + this.#timings.renewDeadlineMs);
    }
  }

  /** Reads the lease, takes or renews it where that is right; when the request was sent that did so, or undefined. */
  async #attempt(timeoutMs: number, signal: AbortSignal): Promise<number | undefined> {
    const { clock, identity, lease, log } = this.#options;
    const endMs = clock.monotonicMs() + timeoutMs;
    const call = (): Bound => ({ signal, timeoutMs: Math.max(1, endMs - clock.monotonicMs()) });
    try {
      // A holder renews from what it wrote last, without a read; where that is out of date, it looks first.
      if (this.#lease?.spec?.holderIdentity === identity) {
        try {
          return await this.#write(call());
        } catch (error) {
          if (!isOvertaken(error) || clock.monotonicMs() >= endMs) throw error;
          log.info({ err: error, lease: lease.name }, 'the lease was changed since; looking at it');
        }
      }
      await this.#observe(call());
      return await this.#write(call());
    } catch (err) {
      if (signal.aborted) return undefined;
      if (isOvertaken(err)) this.#lease = undefined;
      log.warn({ err, lease: lease.name }, 'could not take or renew the lease');
      return undefined;
    }
  }

  /** Writes the lease as it was last seen, where it is free or held already; when the request was sent. */
  async #write(call: Bound): Promise<number | undefined> {
    const { clock, identity } = this.#options;
    const action = planElection({
      identity,
      leaseDurationMs: this.#timings.leaseDurationMs,
      record: this.#lease?.spec,
      observedAtMs: this.#observedAtMs,
      nowMs: clock.monotonicMs(),
      wallMs: clock.wallMs(),
    });
    if (action.kind === 'wait') return undefined;
    const sentAtMs = clock.monotonicMs();
    this.#accept(
      this.#lease === undefined
        ? await this.#lock.create(action.spec, call)
        : await this.#lock.update(this.#lease, action.spec, call),
    );
    return sentAtMs;
  }

  async #observe(call: Bound): Promise<void> {
    try {
      this.#accept(await this.#lock.get(call));
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      this.#lease = undefined;
    }
  }

  #accept(lease: Lease): void {
    const spec: LeaseSpec = lease.spec ?? {};
    const text = JSON.stringify(spec);
    if (text !== this.#seen) {
      this.#seen = text;
      this.#observedAtMs = this.#options.clock.monotonicMs();
    }
    this.#lease = lease;
    const leader = spec.holderIdentity ?? '';
    if (leader !== this.#leader) {
      this.#leader = leader;
      if (leader !== '') this.#options.onNewLeader?.(leader);
    }
  }

  /** Best effort: a lease that cannot be given up runs out by itself. */
  async #release(): Promise<void> {
    const { clock, identity, log } = this.#options;
    const call = { timeoutMs: this.#timings.retryPeriodMs };
    const release = async (): Promise<void> => {
      if (this.#lease?.spec?.holderIdentity !== identity) return;
      await this.#lock.update(this.#lease, releasedSpec(this.#lease.spec, clock.wallMs()), call);
    };
    try {
      await release().catch(async (error) => {
        if (!isOvertaken(error)) throw error;
        // Most likely by a renewal of our own whose answer was lost.
        await this.#observe(call);
        await release();
      });
    } catch (err) {
      log.warn({ err, lease: this.#options.lease.name }, 'could not release the lease');
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return this.#options.clock.sleep(delayMs, this.#signal).catch(() => {});
  }
}
