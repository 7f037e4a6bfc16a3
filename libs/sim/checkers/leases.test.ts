import { expect, test } from 'vitest';
import { emptyHistory } from '../history/history.ts';
import type { KeyValue, Operation, Outcome, Request, Response } from '../history/operation.ts';
import { checkHistory } from './all.ts';
import { render } from './violation.ts';

const second = 1_000_000;
let id = 0;
const op = (from: number, to: number, request: Request, response: Response | string): Operation => {
  const outcome: Outcome = typeof response === 'string' ? { kind: 'failed', error: response } : { kind: 'ok', response };
  return { id: id++, client: 'c', invoke: from * second, return: to * second, request, outcome };
};
const answer = (kind: 'leaseGrant' | 'leaseKeepAlive' | 'leaseRevoke', ttlSeconds: number, revision: number): Response => {
  return { kind, revision, lease: '7', ttlSeconds };
};
const grant = op(0, 0.1, { kind: 'leaseGrant', lease: '7', ttlSeconds: 5 }, answer('leaseGrant', 5, 1));
const put = op(0.2, 0.3, { kind: 'put', key: 'k', value: '1', lease: '7' }, { kind: 'put', revision: 2 });
const kv: KeyValue = { key: 'k', value: '1', createRevision: 2, modRevision: 2, version: 1, lease: '7' };
const get = (at: number, revision: number, ...kvs: KeyValue[]) =>
  op(at, at + 0.1, { kind: 'range', key: 'k' }, { kind: 'range', revision, kvs, count: kvs.length, more: false });
const renew = (at: number, revision = 2) =>
  op(at, at + 0.1, { kind: 'leaseKeepAlive', lease: '7' }, answer('leaseKeepAlive', 5, revision));
const revoke = (at: number) => op(at, at + 0.1, { kind: 'leaseRevoke', lease: '7' }, answer('leaseRevoke', 0, 3));

const verdict = (...operations: Operation[]) =>
  checkHistory({ ...emptyHistory, operations: [grant, put, ...operations] })
    .violations.map(render)
    .join('\n');

test('a lease that ends after its time, or after its revocation, is right', () => {
  expect(verdict(get(5.2, 3))).toBe('');
  expect(verdict(renew(3), get(8.2, 3))).toBe('');
  expect(verdict(revoke(1), get(1.2, 3))).toBe('');
  // Nothing promises that it ends soon.
  expect(verdict(get(20, 2, kv))).toBe('');
});

test('a lease that ends before its time is reported', () => {
  expect(verdict(get(4, 3))).toMatch(/leases: lease 7 ended before 5\.0/);
  expect(verdict(renew(3), get(6, 3))).toMatch(/leases: lease 7 ended before 8\.0/);
  const lost = op(2, 2.1, { kind: 'leaseKeepAlive', lease: '7' }, answer('leaseKeepAlive', 0, 2));
  expect(verdict(lost)).toMatch(/leases: lease 7 ended/);
  const refused = op(2, 2.1, { kind: 'put', key: 'l', value: '', lease: '7' }, 'etcdserver: requested lease not found');
  expect(verdict(refused)).toMatch(/leases: lease 7 ended/);
});

test('a key deleted by a client is not the end of its lease', () => {
  const deletion = op(1, 1.1, { kind: 'delete', key: 'k' }, { kind: 'delete', revision: 3, deleted: 1, previous: [] });
  expect(verdict(deletion, get(2, 3))).toBe('');
});

test('a lease that lives after its revocation is reported', () => {
  expect(verdict(revoke(1), get(2, 2, kv))).toMatch(/leases: lease 7 lives after its revocation|linearizability/);
  expect(verdict(revoke(1), get(1.2, 3), renew(2, 3))).toMatch(/leases: lease 7 lives/);
  const late = op(2, 2.1, { kind: 'put', key: 'l', value: '', lease: '7' }, { kind: 'put', revision: 4 });
  expect(verdict(revoke(1), get(1.2, 3), late)).toMatch(/leases: lease 7 lives/);
});
