// Leader election by a Lease: of several processes with one lease, at most one acts (as far as clocks run alike).
import type { Lease, LeaseSpec } from '@drydock/api/generated/types.ts';
import { leases } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { ApiClient, ObjectKey } from './api-client.ts';
import { planElection, releasedSpec } from './election-plan.ts';
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
  /** Must differ between candidates: host name and a UUID, as upstream. */
  readonly identity: string;
  readonly timings?: ElectionTimings | undefined;
  /** Called once, when the lease is held. `held` aborts the moment it is lost or given up. */
  readonly onStartedLeading: (held: AbortSignal) => void;
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
 * Stands for election until the signal aborts, then gives up a lease it holds, so that the next candidate need not wait.
 * After `onLost` it ends: who lost a lease starts anew. Never throws.
 */
export async function runElection(options: ElectionOptions, signal: AbortSignal): Promise<void> {
  await new Elector(options, signal).run();
}

class Elector {
  readonly #options: ElectionOptions;
  readonly #timings: ElectionTimings;
  readonly #signal: AbortSignal;
  #lease: Lease | undefined;
  #seen = '';
  #observedAtMs = 0;
  #leader = '';

  constructor(options: ElectionOptions, signal: AbortSignal) {
    this.#options = options;
    this.#timings = options.timings ?? defaultTimings;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { clock, random, log, identity } = this.#options;
    const jitter = random.stream('leader-election');
    while (!this.#signal.aborted && !(await this.#attempt(this.#timings.renewDeadlineMs))) {
      await this.#sleep(this.#timings.retryPeriodMs * (1 + electionJitterFactor * jitter.next()));
    }
    if (this.#signal.aborted) {
      await this.#release();
      return;
    }
    log.info({ lease: this.#options.lease.name, identity }, 'successfully acquired lease');
    const held = new AbortController();
    const stop = () => held.abort(this.#signal.reason);
    this.#signal.addEventListener('abort', stop, { once: true });
    this.#options.onStartedLeading(held.signal);
    let renewedAtMs = clock.monotonicMs();
    let lost = false;
    while (!this.#signal.aborted && !lost) {
      await this.#sleep(this.#timings.retryPeriodMs);
      if (this.#signal.aborted) break;
      const leftMs = renewedAtMs + this.#timings.renewDeadlineMs - clock.monotonicMs();
      if (leftMs > 0 && (await this.#attempt(leftMs))) renewedAtMs = clock.monotonicMs();
      lost = clock.monotonicMs() - renewedAtMs >= this.#timings.renewDeadlineMs || this.#leader !== identity;
    }
    held.abort(this.#signal.reason);
    this.#signal.removeEventListener('abort', stop);
    if (this.#signal.aborted) await this.#release();
    else {
      log.error({ lease: this.#options.lease.name }, 'failed to renew lease');
      this.#options.onLost();
    }
  }

  /** Reads the lease, takes or renews it where that is right; whether it is held now. */
  async #attempt(timeoutMs: number): Promise<boolean> {
    const { client, clock, identity, lease, log } = this.#options;
    const startedAtMs = clock.monotonicMs();
    const call = { signal: this.#signal, timeoutMs };
    try {
      // A holder renews from what it wrote last, without a read; a conflict makes it look again.
      if (this.#lease?.spec?.holderIdentity !== identity) await this.#observe(call);
      const action = planElection({
        identity,
        leaseDurationMs: this.#timings.leaseDurationMs,
        record: this.#lease?.spec,
        observedAtMs: this.#observedAtMs,
        nowMs: clock.monotonicMs(),
        wallMs: clock.wallMs(),
      });
      if (action.kind === 'wait') return false;
      const left = { signal: this.#signal, timeoutMs: Math.max(1, timeoutMs - (clock.monotonicMs() - startedAtMs)) };
      this.#accept(
        this.#lease === undefined
          ? await client.create(leases, { metadata: { name: lease.name, namespace: lease.namespace }, spec: action.spec }, left)
          : await client.update(leases, { ...this.#lease, spec: action.spec }, left),
      );
      return true;
    } catch (err) {
      if (this.#signal.aborted) return false;
      if (hasReason(err, 'Conflict') || hasReason(err, 'NotFound') || hasReason(err, 'AlreadyExists')) this.#lease = undefined;
      log.warn({ err, lease: lease.name }, 'could not take or renew the lease');
      if (this.#lease === undefined) await this.#observe(call).catch(() => {});
      return false;
    }
  }

  async #observe(call: { signal: AbortSignal; timeoutMs: number }): Promise<void> {
    try {
      this.#accept(await this.#options.client.get(leases, this.#options.lease, call));
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
    const lease = this.#lease;
    const { client, clock, identity, log } = this.#options;
    if (lease?.spec?.holderIdentity !== identity) return;
    try {
      await client.update(
        leases,
        { ...lease, spec: releasedSpec(lease.spec, clock.wallMs()) },
        { timeoutMs: this.#timings.retryPeriodMs },
      );
    } catch (err) {
      log.warn({ err, lease: this.#options.lease.name }, 'could not release the lease');
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return this.#options.clock.sleep(delayMs, this.#signal).catch(() => {});
  }
}
