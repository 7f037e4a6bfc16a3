// A member made from a snapshot file: the same history, a new identity, and a log that begins behind it.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryDisk } from '@drydock/foundation/memory-disk.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import fc from 'fast-check';
import { emptyConf } from 'raft-ts/config-codec.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BoltError } from '../bbolt/errors.ts';
import { type BoltSource, openBolt } from '../bbolt/reader.ts';
import { encodeTtl, leaseKey } from '../lease/lease-record.ts';
import { openLmdbBackend } from '../mvcc/lmdb-backend.ts';
import { MvccStore } from '../mvcc/store.ts';
import { readIdentity } from '../raft/open-member.ts';
import { SnapshotResponse } from '../rpc/messages.ts';
import { decode } from '../rpc/protobuf.ts';
import { Downgrade } from '../server/downgrade.ts';
import { EtcdStateMachine } from '../server/state-machine.ts';
import { recover } from '../wal/recover.ts';
import { fileHash } from './file-hash.ts';
import { loadDatabase } from './load.ts';
import { restoreMember } from './restore.ts';
import { databaseIn, SnapshotFileError } from './snapshot-file.ts';
import { streamSnapshot } from './snapshot-stream.ts';
import { snapshotStatus } from './status.ts';

const settings = {
  id: 0xabn,
  clusterId: 0xcdn,
  members: [
    { id: 0xabn, name: 'a', peerUrls: ['http://a:1'] },
    { id: 0x9n, name: 'b', peerUrls: ['http://b:1'] },
  ],
  bumpRevision: 0,
};
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'restore-'));
  for (const name of ['from', 'to']) mkdirSync(join(folder, name));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const sourceOf = (file: Buffer): BoltSource => ({
  size: file.length,
  read: (offset, length) => Buffer.from(file.subarray(offset, offset + length)),
});

/** A snapshot file, and the hash of the store it was taken of. */
async function snapshotOfHistory(): Promise<{ file: Buffer; hash: number; revision: number }> {
  const backend = openLmdbBackend(join(folder, 'from'));
  const store = new MvccStore(backend);
  for (let i = 0; i < 300; i++) {
    store.write((txn) => {
      txn.put(`k${i % 40}`, Buffer.from(`v${i}`), i === 290 ? 77n : 0n);
      if (i % 7 === 0) txn.put(`second${i}`, Buffer.alloc(100), 0n);
    });
  }
  backend.setRecord('lease', leaseKey(77n), encodeTtl(60));
  backend.setRecord('lease', leaseKey(-5n), encodeTtl(10));
  new Downgrade(backend).set({ enabled: true, targetVersion: '3.5.0' });
  backend.setRecord('alarm', '5/1', Buffer.alloc(0));
  store.compact(100);
  while (store.compactStep());
  const { hash, revision } = store.hash(0);
  const pieces: Buffer[] = [];
  const facts = { term: 3, conf: { ...emptyConf, voters: [5n] } };
  for await (const messages of streamSnapshot(await backend.committedSnapshot(), facts, new SystemClock())) {
    for (const message of messages) pieces.push(Buffer.from(decode(SnapshotResponse, message).blob));
  }
  await backend.close();
  return { file: Buffer.concat(pieces), hash, revision };
}

async function restored(file: Buffer, bumpRevision: number): Promise<{ machine: EtcdStateMachine; disk: MemoryDisk }> {
  const disk = new MemoryDisk();
  const backend = openLmdbBackend(join(folder, 'to'));
  await restoreMember(openBolt(databaseIn(sourceOf(file), false)), { ...settings, bumpRevision }, { backend, disk });
  const fatal = (error: unknown): never => {
    throw error;
  };
  const machine = new EtcdStateMachine({ backend, clock: new SystemClock(), fatal });
  await machine.open();
  return { machine, disk };
}

test('has the same history, leases and alarms, but the members it was told', async () => {
  const { file, hash, revision } = await snapshotOfHistory();
  const { machine, disk } = await restored(file, 0);
  expect(machine.store.hash(0)).toEqual({ hash, revision, compactRevision: 100 });
  expect(fileHash(databaseIn(sourceOf(file), false), 0)).toEqual({ hash, revision, compactRevision: 100 });
  expect(machine.lessor.get(77n)).toMatchObject({ ttlSeconds: 60, keys: new Set(['k10']) });
  expect(machine.lessor.get(-5n)).toMatchObject({ ttlSeconds: 10 });
  expect(machine.downgrade.info).toEqual({ enabled: true, targetVersion: '3.5.0' });
  expect(machine.alarms.list()).toEqual([{ memberID: 5n, alarm: 1 }]);
  expect(machine.members.list().map(({ ID, name, peerURLs }) => [ID, name, peerURLs])).toEqual([
    [0x9n, 'b', ['http://b:1']],
    [0xabn, 'a', ['http://a:1']],
  ]);
  expect(await readIdentity(disk)).toEqual({ id: 0xabn, clusterId: 0xcdn });
  const log = await recover(disk, 'member/wal');
  expect(log.snapshot).toEqual({ index: 2, term: 1, conf: { ...emptyConf, voters: [0x9n, 0xabn] } });
  expect(log.entries).toEqual([]);
  expect(log.hardState).toEqual({ term: 1, vote: 0n, commit: 2 });
  expect(machine.appliedIndex()).toBe(2);
  await machine.close();
});

test('a bumped revision is the latest and the compacted one', async () => {
  const { file, revision } = await snapshotOfHistory();
  const { machine } = await restored(file, 1_000_000_000);
  expect(machine.store.revision).toBe(revision + 1_000_000_000);
  expect(machine.store.compactRevision).toBe(revision + 1_000_000_000);
  await machine.compactionDone();
  machine.store.write((txn) => txn.put('next', Buffer.alloc(0), 0n));
  expect(machine.store.revision).toBe(revision + 1_000_000_001);
  await machine.close();
});

test('a file that is cut off or changed is refused before anything is made of it', async () => {
  const { file } = await snapshotOfHistory();
  expect(() => databaseIn(sourceOf(file.subarray(0, -1)), false)).toThrow('snapshot missing hash but --skip-hash-check=false');
  expect(() => databaseIn(sourceOf(file.subarray(0, -512)), false)).toThrow(/^expected sha256 \[.*\], got \[.*\]$/);
  const changed = Buffer.from(file);
  changed.writeUInt8(changed.readUInt8(9000) ^ 1, 9000);
  expect(() => databaseIn(sourceOf(changed), false)).toThrow(/^expected sha256/);
  expect(databaseIn(sourceOf(changed), true).size).toBe(file.length - 32);
  const cut = databaseIn(sourceOf(file.subarray(0, -4096 - 32)), true);
  expect(() => snapshotStatus(cut)).toThrow('snapshot file integrity check failed');
});

test('damage without a hash to tell it gives a reason, or other content, but no crash', async () => {
  const { file } = await snapshotOfHistory();
  const reasons = [BoltError, SnapshotFileError];
  const backend = openLmdbBackend(join(folder, 'to'));
  const flip = fc.record({ at: fc.nat(file.length - 8192 - 33), bit: fc.nat(7) });
  fc.assert(
    fc.property(fc.array(flip, { minLength: 1, maxLength: 40 }), (flips) => {
      const damaged = Buffer.from(file);
      for (const { at, bit } of flips) damaged.writeUInt8(damaged.readUInt8(8192 + at) ^ (1 << bit), 8192 + at);
      try {
        loadDatabase(openBolt(databaseIn(sourceOf(damaged), true)), backend, { bumpRevision: 0 });
      } catch (error) {
        expect(reasons.some((type) => error instanceof type)).toBe(true);
      }
    }),
    // A key that is longer than any.
    {
      numRuns: 100,
      examples: [
        [
          [
            { at: 8489, bit: 3 },
            { at: 0, bit: 0 },
          ],
        ],
      ],
    },
  );
  await backend.close();
});
