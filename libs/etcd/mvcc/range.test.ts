import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyValue, RangeRequest, RangeResponse } from '../rpc/messages.ts';
import { decode, encode, type MessageOf } from '../rpc/protobuf.ts';
import { keyRange } from './key-range.ts';
import { openLmdbBackend } from './lmdb-backend.ts';
import { encodeRange, executeRange } from './range.ts';
import { MvccStore } from './store.ts';

const header = { cluster_id: 7n, member_id: 8n, revision: 9, raft_term: 3 };
const requestOf = (fields: Partial<MessageOf<typeof RangeRequest>>) => decode(RangeRequest, encode(RangeRequest, fields));

async function withStore(body: (store: MvccStore, commit: () => void) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'range-'));
  const backend = openLmdbBackend(folder);
  try {
    body(new MvccStore(backend), () => backend.commit());
  } finally {
    await backend.close();
    rmSync(folder, { recursive: true });
  }
}

const name = fc.integer({ min: 0, max: 9 }).map((n) => `k${n}`);
const change = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), name, size: fc.constantFrom(0, 1, 100, 20_000) }),
  fc.record({ kind: fc.constant('delete' as const), name, size: fc.constant(0) }),
  fc.record({ kind: fc.constantFrom('commit' as const, 'compact' as const), name, size: fc.constant(0) }),
);
const request = fc.record({
  key: fc.oneof(name, fc.constant('\0')),
  range_end: fc.constantFrom('', '\0', 'k4', 'k9', 'l'),
  limit: fc.integer({ min: 0, max: 12 }),
  back: fc.integer({ min: 0, max: 10 }),
  sort_order: fc.integer({ min: 0, max: 2 }),
  sort_target: fc.integer({ min: 0, max: 4 }),
  keys_only: fc.boolean(),
  count_only: fc.boolean(),
  min_mod_revision: fc.constantFrom(0, 0, 3),
});

test('the encoded response is the other one encoded, and counts what a range without limit finds, now and in the past', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 40 }), fc.array(request, { maxLength: 10 }), async (changes, requests) => {
      await withStore((store, commit) => {
        for (const { kind, name: key, size } of changes) {
          if (kind === 'put') store.write((txn) => txn.put(key, Buffer.alloc(size, key), 0n));
          else if (kind === 'delete') store.write((txn) => txn.deleteRange(keyRange(key, '')));
          else if (kind === 'commit') commit();
          else if (store.revision > store.compactRevision) {
            store.compact(store.revision);
            while (store.compactStep());
          }
        }
        for (const { back, ...fields } of requests) {
          const revision = Math.max(store.revision - back, store.compactRevision, 1);
          const asked = requestOf({ ...fields, revision });
          const found = executeRange(store, asked);
          expect(encodeRange(store, asked, header)).toEqual(encode(RangeResponse, { ...found, header }));
          const whole = executeRange(store, requestOf({ key: fields.key, range_end: fields.range_end, revision }));
          expect(found.count).toBe(whole.kvs.length);
          if (fields.sort_order === 1 && fields.sort_target === 0 && !fields.count_only && fields.min_mod_revision === 0) {
            const keys = (kvs: readonly Buffer[]) => kvs.map((kv) => decode(KeyValue, kv).key);
            expect(keys(found.kvs)).toEqual(keys(whole.kvs).slice(0, fields.limit || Infinity));
          }
        }
      });
    }),
    { numRuns: 60 },
  );
});

test('values of very different sizes, the large ones first', async () => {
  await withStore((store, commit) => {
    for (let i = 0; i < 2000; i++) {
      const key = `k${String(i).padStart(4, '0')}`;
      store.write((txn) => txn.put(key, Buffer.alloc(i < 8 ? 1 << 20 : i % 50, 'v'), 0n));
    }
    commit();
    const all = requestOf({ key: 'k', range_end: 'l' });
    expect(encodeRange(store, all, header).equals(encode(RangeResponse, { ...executeRange(store, all), header }))).toBe(true);
  });
});
