import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EtcdError } from '../errors.ts';
import { Compare, KeyValue, PutRequest, RangeRequest, RequestOp, TxnRequest } from '../rpc/messages.ts';
import { decode, encode, type MessageOf, type Schema } from '../rpc/protobuf.ts';
import type { Backend } from './backend.ts';
import { crc32c } from './crc32c.ts';
import { keyRange } from './key-range.ts';
import { applyDelete, applyPut, applyTxn } from './kv.ts';
import { openLmdbBackend } from './lmdb-backend.ts';
import { executeRange } from './range.ts';
import { MvccStore, type StoreEvent } from './store.ts';
import { checkTxn } from './txn-check.ts';

let folder: string;
let backend: Backend;
let store: MvccStore;

const make = <S extends Schema>(schema: S, fields: Partial<MessageOf<S>>): MessageOf<S> =>
  decode(schema, encode(schema, fields));
const context = () => ({ store, leaseExists: () => false });
const put = (key: string, value: string) => applyPut(context(), make(PutRequest, { key, value: Buffer.from(value) }));
const remove = (key: string, rangeEnd = '') => applyDelete(context(), { key, range_end: rangeEnd, prev_kv: false });
const range = (fields: Partial<MessageOf<typeof RangeRequest>>) => executeRange(store, make(RangeRequest, fields));
const keys = (fields: Partial<MessageOf<typeof RangeRequest>>) => range(fields).kvs.map((kv) => decode(KeyValue, kv).key);
const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof EtcdError) return error.code;
    throw error;
  }
  return 'none';
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mvcc-'));
  backend = openLmdbBackend(folder);
  store = new MvccStore(backend);
});

afterEach(async () => {
  await backend.close();
  rmSync(folder, { recursive: true });
});

test('crc32c gives the check value of the polynomial', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

describe('range', () => {
  beforeEach(() => {
    for (const key of ['a', 'b', 'c', 'd']) put(key, key);
    put('a', 'z');
    remove('c');
  });

  test.each([
    ['one key', { key: 'a' }, ['a']],
    ['half open', { key: 'a', range_end: 'd' }, ['a', 'b']],
    ['from a key on', { key: 'b', range_end: '\0' }, ['b', 'd']],
    ['everything', { key: '\0', range_end: '\0' }, ['a', 'b', 'd']],
    ['in the past', { key: '\0', range_end: '\0', revision: 4 }, ['a', 'b', 'c']],
    ['limited', { key: '\0', range_end: '\0', limit: 2 }, ['a', 'b']],
    ['by value, descending', { key: '\0', range_end: '\0', sort_order: 2, sort_target: 4 }, ['a', 'd', 'b']],
    ['by modification', { key: '\0', range_end: '\0', sort_target: 3 }, ['b', 'd', 'a']],
    ['least create revision', { key: '\0', range_end: '\0', min_create_revision: 3 }, ['b', 'd']],
    ['most mod revision', { key: '\0', range_end: '\0', max_mod_revision: 5 }, ['b', 'd']],
    ['count only', { key: '\0', range_end: '\0', count_only: true }, []],
  ])('%s', (_name, request, expected) => {
    expect(keys(request)).toEqual(expected);
  });

  test('counts all, whatever the limit', () => {
    expect(range({ key: '\0', range_end: '\0', limit: 1 })).toMatchObject({ count: 3, more: true });
  });

  test('refuses the future', () => {
    expect(codeOf(() => range({ key: 'a', revision: store.revision + 1 }))).toBe('futureRevision');
  });
});

test('a deleted key begins a new generation', () => {
  put('a', '1');
  put('a', '2');
  remove('a');
  put('a', '3');
  expect(decode(KeyValue, range({ key: 'a' }).kvs[0] ?? Buffer.alloc(0))).toMatchObject({
    create_revision: 5,
    mod_revision: 5,
    version: 1,
  });
});

test('a restart finds the same history, whether it was committed once or often', async () => {
  put('a', '1');
  await backend.commit();
  put('a', '2');
  put('b', '1');
  remove('b');
  const before = store.hash(0);
  const again = new MvccStore(backend);
  again.restore(() => {});
  expect(again.revision).toBe(store.revision);
  expect(again.hash(0)).toEqual(before);
  expect(executeRange(again, make(RangeRequest, { key: 'a', revision: 2 })).count).toBe(1);
});

describe('compaction', () => {
  beforeEach(() => {
    put('a', '1');
    put('a', '2');
    remove('a');
    put('b', '1');
    put('b', '2');
  });

  test('removes what is superseded, keeps what is current at the revision', () => {
    store.compact(5);
    const hash = store.hash(0);
    while (store.compactStep());
    expect([...backend.revisions(0, 100)].length).toBe(2);
    expect(store.hash(0)).toEqual(hash);
    expect(keys({ key: '\0', range_end: '\0', revision: 5 })).toEqual(['b']);
    expect(codeOf(() => range({ key: 'a', revision: 4 }))).toBe('compacted');
  });

  test('keeps a deletion at the very revision for watchers that start there', () => {
    store.compact(4);
    while (store.compactStep());
    const seen: string[] = [];
    store.replay(4, 4, (revision, events) => seen.push(`${revision} ${events.map((event) => event.type)}`) > 0);
    expect(seen).toEqual(['4 delete']);
  });

  test('what a change replaced can be asked for until the change itself is compacted', () => {
    const before = () => last?.prevKv();
    let last: StoreEvent | undefined;
    store.onRevision = (_revision, events) => {
      last = events[0];
    };
    put('c', '1');
    put('b', '3');
    put('c', '2');
    store.compact(store.revision - 1);
    while (store.compactStep());
    expect(decode(KeyValue, before() ?? Buffer.alloc(0)).value.toString()).toBe('1');
    store.compact(store.revision);
    expect(before()).toBeUndefined();
  });

  test('refuses to go back or ahead', () => {
    store.compact(3);
    expect(codeOf(() => store.compact(3))).toBe('compacted');
    expect(codeOf(() => store.compact(99))).toBe('futureRevision');
  });
});

describe('txn', () => {
  const opPut = (key: string) => make(RequestOp, { request_put: make(PutRequest, { key }) });
  const opDelete = (key: string, end: string) =>
    make(RequestOp, { request_delete_range: { key, range_end: end, prev_kv: false } });
  const nested = (success: MessageOf<typeof RequestOp>[], failure: MessageOf<typeof RequestOp>[] = []) =>
    make(RequestOp, { request_txn: encode(TxnRequest, { success, failure }) });

  test.each([
    ['two keys', [opPut('a'), opPut('b')], 'none'],
    ['one key twice', [opPut('a'), opPut('a')], 'duplicateKey'],
    ['put inside a deleted range', [opPut('b'), opDelete('a', 'c')], 'duplicateKey'],
    ['put again in a nested branch', [opPut('a'), nested([opPut('a')])], 'duplicateKey'],
    ['the same key in both nested branches', [nested([opPut('a')], [opPut('a')])], 'none'],
    ['more than allowed', Array.from({ length: 129 }, (_, i) => opPut(`k${i}`)), 'tooManyOps'],
    ['an empty key', [opPut('')], 'emptyKey'],
  ])('%s', (_name, success, expected) => {
    expect(codeOf(() => checkTxn(make(TxnRequest, { success }), 128))).toBe(expected);
  });

  test('all changes have one revision; compares see the state before', () => {
    put('a', '1');
    const request = make(TxnRequest, {
      compare: [make(Compare, { key: 'a', target: 3, value: Buffer.from('1') })],
      success: [opPut('x'), nested([opPut('y')])],
    });
    expect(applyTxn(context(), request).succeeded).toBe(true);
    expect(store.revision).toBe(3);
    expect(keys({ key: 'x', range_end: 'z', revision: 3 })).toEqual(['x', 'y']);
  });

  test('a range compare asks every key; none at all is a missing key', () => {
    put('a1', '');
    put('a2', '');
    const version = (end: string, want: number) =>
      applyTxn(context(), make(TxnRequest, { compare: [make(Compare, { key: 'a', range_end: end, version: want })] }))
        .succeeded;
    expect([version('b', 1), version('b', 2), version('a1', 0)]).toEqual([true, false, true]);
  });
});

test('prefixes of bytes above 0x7f compare as bytes', () => {
  put('\u00ffx', '1');
  put('~', '1');
  const seen: string[] = [];
  store.scan(keyRange('\u00ff', '\0'), store.revision, (entry) => seen.push(entry.key) > 0);
  expect(seen).toEqual(['\u00ffx']);
});
