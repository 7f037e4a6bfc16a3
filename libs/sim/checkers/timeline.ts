// The operations of a history, sorted by what their answers say about when they took effect. Every answer about keys carries the
// store's revision, so for most operations the place in the order is known, and only those without an answer have to be placed.
import type { History } from '../history/history.ts';
import { electionValue, keyOfLock, type Micros, type Operation, type Response } from '../history/operation.ts';
import type { ModelRequest } from './model.ts';
import { renderOperation, type Violation } from './violation.ts';

/** What real clocks of one machine may differ by, and answers' whole seconds hide. */
export const leaseToleranceMicros = 100_000;

/** Answered, with a change: it made exactly this revision. */
export interface Write {
  readonly operation: Operation;
  readonly request: ModelRequest;
  readonly response: Response;
}

/** Answered, without a change: it saw the state of `contentRevision`, when `revision` was the newest. */
export interface Read {
  readonly operation: Operation;
  readonly request: ModelRequest;
  readonly response: Response;
  readonly revision: number;
  readonly contentRevision: number;
  /** Whether the state must have been the newest at some time between call and answer; else it only must not be a later one. */
  readonly newest: boolean;
}

/** May have made one revision, at a time from `from` to `to`, or none. */
export interface Loose {
  readonly id: number;
  readonly request: ModelRequest;
  readonly from: Micros;
  readonly to: Micros;
  readonly text: string;
}

export interface Timeline {
  readonly first: number;
  readonly last: number;
  readonly writes: ReadonlyMap<number, Write>;
  readonly reads: readonly Read[];
  readonly loose: readonly Loose[];
  /** Operations that say they made a revision that another made, or one from before the history. */
  readonly clashes: readonly Violation[];
}

/** `punctual`: leases end at their time or later; without it at any time. */
export function timelineOf(history: History, punctual = false): Timeline {
  const writes = new Map<number, Write>();
  const reads: Read[] = [];
  const loose: Loose[] = [];
  const clashes: Violation[] = [];
  let last = history.base.revision;
  const ends = renewedUntil(history);
  for (const { lease } of history.base.leases) loose.push(expiry(loose.length, lease, 0));
  for (const operation of history.operations) {
    const { request, outcome } = operation;
    if (request.kind === 'leaseGrant' && outcome.kind !== 'failed') {
      const lease = outcome.kind === 'ok' && 'lease' in outcome.response ? outcome.response.lease : request.lease;
      const from = punctual ? (ends.get(lease) ?? operation.invoke) : operation.invoke;
      if (lease !== '0') loose.push(expiry(loose.length, lease, from));
    }
    if (outcome.kind === 'ok') last = Math.max(last, outcome.response.revision);
    if (outcome.kind !== 'failed') loose.push(...ofLocks(loose.length, operation));
    const asked = modelRequest(operation);
    if (asked === undefined || outcome.kind === 'failed') continue;
    if (outcome.kind === 'unknown' || asked.kind === 'leaseRevoke') {
      if (!readsOnly(asked)) loose.push(looseOf(loose.length, operation, asked));
      continue;
    }
    const { response } = outcome;
    if (changes(response)) {
      const other = writes.get(response.revision);
      if (response.revision <= history.base.revision) clashes.push(tooEarly(operation, history.base.revision));
      else if (other !== undefined) clashes.push(clash(other.operation, operation, response.revision));
      else writes.set(response.revision, { operation, request: asked, response });
    } else {
      const read = readOf(operation, asked, response);
      if (read.newest && read.revision < history.base.revision) clashes.push(tooEarly(operation, history.base.revision));
      reads.push(read);
    }
  }
  for (const { responses } of history.watches) for (const { revision } of responses) last = Math.max(last, revision);
  return { first: history.base.revision, last, writes, reads, loose, clashes };
}

/** Per lease: it was granted or renewed until then. */
function renewedUntil(history: History): Map<string, Micros> {
  const until = new Map<string, Micros>();
  for (const { invoke, outcome } of history.operations) {
    if (outcome.kind !== 'ok') continue;
    const { response } = outcome;
    if (response.kind !== 'leaseGrant' && response.kind !== 'leaseKeepAlive') continue;
    const end = invoke + response.ttlSeconds * 1_000_000 - leaseToleranceMicros;
    until.set(response.lease, Math.max(end, until.get(response.lease) ?? 0));
  }
  return until;
}

/** A lock's key is made at some time of the call, and taken back where it came to nothing; what unlocks deletes it. */
function ofLocks(id: number, operation: Operation): Loose[] {
  const { request, outcome } = operation;
  if (request.kind === 'unlock') return [looseOf(id, operation, { kind: 'delete', key: request.key })];
  if (request.kind !== 'lock') return [];
  const key = keyOfLock(request);
  const value = request.election ? electionValue : '';
  const compare = [{ key, target: 'createRevision', is: '=', to: '0' }] as const;
  const success = [{ kind: 'put', key, value, lease: request.lease }] as const;
  const made = looseOf(id, operation, { kind: 'txn', compare, success, failure: [] });
  return outcome.kind === 'ok' ? [made] : [made, looseOf(id + 1, operation, { kind: 'delete', key })];
}

/** Undefined for what is not about keys. */
function modelRequest({ request }: Operation): ModelRequest | undefined {
  if (request.kind === 'leaseRevoke') return { kind: 'leaseRevoke', lease: request.lease };
  if (request.kind === 'range' || request.kind === 'put' || request.kind === 'delete' || request.kind === 'txn') return request;
  return undefined;
}

function readsOnly(request: ModelRequest): boolean {
  if (request.kind === 'txn') return [...request.success, ...request.failure].every((op) => op.kind === 'range');
  return request.kind === 'range';
}

/** Whether an answer tells of a change. */
export function changes(response: Response): boolean {
  if (response.kind === 'txn') return response.responses.some(changes);
  return response.kind === 'put' || (response.kind === 'delete' && response.deleted > 0);
}

function readOf(operation: Operation, request: ModelRequest, response: Response): Read {
  const at = request.kind === 'range' ? (request.revision ?? 0) : 0;
  const contentRevision = at > 0 ? at : response.revision;
  return { operation, request, response, revision: response.revision, contentRevision, newest: !isSerializable(request) };
}

function isSerializable(request: ModelRequest): boolean {
  if (request.kind === 'range') return request.serializable === true;
  if (request.kind !== 'txn') return false;
  return [...request.success, ...request.failure].every((op) => op.kind === 'range' && op.serializable === true);
}

function looseOf(id: number, operation: Operation, request: ModelRequest): Loose {
  const to = operation.outcome.kind === 'ok' ? operation.return : Number.POSITIVE_INFINITY;
  return { id, request, from: operation.invoke, to, text: renderOperation(operation) };
}

function expiry(id: number, lease: string, from: Micros): Loose {
  const text = `the end of lease ${lease}`;
  return { id, request: { kind: 'leaseRevoke', lease }, from, to: Number.POSITIVE_INFINITY, text };
}

function clash(a: Operation, b: Operation, revision: number): Violation {
  return {
    guarantee: 'revisions',
    text: `two operations say that they made revision ${revision}`,
    evidence: [renderOperation(a), renderOperation(b)],
  };
}

function tooEarly(operation: Operation, first: number): Violation {
  const text = `#${operation.id} took place at a revision from before the history, which begins at ${first}`;
  return { guarantee: 'revisions', text, evidence: [renderOperation(operation)] };
}
