// The decision of leader election (client-go's leaderelection), without effects: what to do with the lease now.
import type { LeaseSpec } from '@drydock/api/generated/types.ts';
import { formatMicroTime } from '@drydock/foundation/clock.ts';

export interface ElectionInput {
  readonly identity: string;
  readonly leaseDurationMs: number;
  /** The lease as last read; undefined where it does not exist. */
  readonly record: LeaseSpec | undefined;
  /** When this record was first seen, on this machine's monotonic clock: the clocks of others are never trusted. */
  readonly observedAtMs: number;
  readonly nowMs: number;
  readonly wallMs: number;
}

export type ElectionAction =
  | { readonly kind: 'create' | 'acquire' | 'renew'; readonly spec: LeaseSpec }
  /** Somebody else holds it until `untilMs` (monotonic). */
  | { readonly kind: 'wait'; readonly holder: string; readonly untilMs: number };

/** What a candidate does with the lease it sees. */
export function planElection(input: ElectionInput): ElectionAction {
  const { identity, record, wallMs } = input;
  const leaseDurationSeconds = Math.ceil(input.leaseDurationMs / 1000);
  const now = formatMicroTime(wallMs);
  const fresh = { holderIdentity: identity, leaseDurationSeconds, acquireTime: now, renewTime: now };
  if (record === undefined) return { kind: 'create', spec: { ...fresh, leaseTransitions: 0 } };
  const holder = record.holderIdentity ?? '';
  if (holder === identity) {
    return { kind: 'renew', spec: { ...record, leaseDurationSeconds, renewTime: now } };
  }
  // The record's own duration counts: a holder with longer timings must not be overtaken early.
  const validMs = Math.max(record.leaseDurationSeconds ?? 0, 0) * 1000;
  const untilMs = input.observedAtMs + validMs;
  if (holder !== '' && input.nowMs < untilMs) return { kind: 'wait', holder, untilMs };
  return { kind: 'acquire', spec: { ...record, ...fresh, leaseTransitions: (record.leaseTransitions ?? 0) + 1 } };
}

/** The lease as a holder leaves it that gives it up, so that others need not wait for it to run out. */
export function releasedSpec(record: LeaseSpec, wallMs: number): LeaseSpec {
  const now = formatMicroTime(wallMs);
  return { ...record, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
}
