// Leases: which keys each has, and on the leader when each ends. What is replicated is only that a lease exists and its time to
// live; the time left is the leader's business, by its monotonic clock. A new leader gives every lease its full time again.
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import { DueQueue } from './due-queue.ts';

export interface Lease {
  readonly id: bigint;
  /** Granted time to live. */
  readonly ttlSeconds: number;
  readonly keys: Set<string>;
  /** Monotonic; Infinity on members that are not the leader. */
  expiresMs: number;
  /** When its revocation was last proposed; -Infinity where it was not. */
  revokeProposedMs: number;
}

/** Synchronous; the caller brings the time. */
export class Lessor {
  readonly #leases = new Map<bigint, Lease>();
  readonly #leaseOfKey = new Map<string, bigint>();
  /** Only on the primary. */
  readonly #due = new DueQueue<Lease>((lease) => (this.#leases.get(lease.id) === lease ? dueMs(lease) : undefined));
  #primary = false;
  #extendMs = 0;

  get size(): number {
    return this.#leases.size;
  }

  get primary(): boolean {
    return this.#primary;
  }

  has(id: bigint): boolean {
    return this.#leases.has(id);
  }

  get(id: bigint): Lease | undefined {
    return this.#leases.get(id);
  }

  all(): Iterable<Lease> {
    return this.#leases.values();
  }

  leaseOf(key: string): bigint {
    return this.#leaseOfKey.get(key) ?? 0n;
  }

  /** Throws `leaseExists`. */
  grant(id: bigint, ttlSeconds: number, nowMs: number): Lease {
    if (this.#leases.has(id)) throw new EtcdError('leaseExists');
    const expiresMs = this.#primary ? nowMs + ttlSeconds * 1000 : Infinity;
    const lease: Lease = { id, ttlSeconds, keys: new Set(), expiresMs, revokeProposedMs: -Infinity };
    this.#leases.set(id, lease);
    this.#due.add(lease);
    return lease;
  }

  /** Forgets a lease; the caller has deleted its keys. */
  remove(id: bigint): void {
    this.#leases.delete(id);
  }

  attach(key: string, before: bigint, after: bigint): void {
    if (before !== 0n) this.#leases.get(before)?.keys.delete(key);
    if (after === 0n) {
      this.#leaseOfKey.delete(key);
      return;
    }
    this.#leases.get(after)?.keys.add(key);
    this.#leaseOfKey.set(key, after);
  }

  clear(): void {
    this.#leases.clear();
    this.#due.clear();
    this.#leaseOfKey.clear();
  }

  /** This member became the leader: every lease has its full time, and `extendMs` more for clients that look for the leader. */
  promote(nowMs: number, extendMs: number): void {
    this.#primary = true;
    this.#extendMs = extendMs;
    this.#due.clear();
    for (const lease of this.#leases.values()) {
      lease.expiresMs = nowMs + lease.ttlSeconds * 1000 + this.#extendMs;
      lease.revokeProposedMs = -Infinity;
      this.#due.add(lease);
    }
  }

  demote(): void {
    this.#primary = false;
    this.#due.clear();
    for (const lease of this.#leases.values()) lease.expiresMs = Infinity;
  }

  /** Gives a lease its full time again; only on the primary. Throws `leaseNotFound`, also for one that has already ended. */
  renew(id: bigint, nowMs: number): number {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.expiresMs <= nowMs) throw new EtcdError('leaseNotFound');
    lease.expiresMs = nowMs + lease.ttlSeconds * 1000;
    return lease.ttlSeconds;
  }

  /** Leases whose time is over and whose revocation should be proposed (again) now. */
  expired(nowMs: number): bigint[] {
    const leases: Lease[] = [];
    while (leases.length < limits.leaseRevokesInFlight) {
      const lease = this.#due.take(nowMs);
      if (lease === undefined) break;
      lease.revokeProposedMs = nowMs;
      leases.push(lease);
    }
    for (const lease of leases) this.#due.add(lease);
    return leases.map(({ id }) => id);
  }

  /** When `expired` may next have something; Infinity where nothing is due. */
  nextDueMs(): number {
    return this.#due.nextDue();
  }
}

function dueMs({ expiresMs, revokeProposedMs }: Lease): number {
  return Math.max(expiresMs, revokeProposedMs + limits.leaseRevokeRetryMs);
}
