// Hashes of what a member holds, computed while it goes on serving.
import type { Clock } from '@drydock/foundation/clock.ts';
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import { buckets } from '../mvcc/backend.ts';
import { crc32c } from '../mvcc/crc32c.ts';
import type { HashResult } from '../mvcc/history-hash.ts';
import { appliedMark, type EtcdStateMachine } from './state-machine.ts';

/** `current`: the member's revision when the hash was begun. */
export interface MemberHash extends HashResult {
  readonly current: number;
}

/** The hash of the history up to `revision`, 0 for now. Rejects with `compacted`, `futureRevision`. */
export async function hashByRevision(machine: EtcdStateMachine, clock: Clock, revision: number): Promise<MemberHash> {
  for (;;) {
    const current = machine.store.revision;
    const run = machine.store.hashRun(revision);
    try {
      while (run.step()) await clock.sleep(0);
      return { ...run.result(), current };
    } catch (error) {
      // A compaction has overtaken it: what is current has moved on.
      if (revision === 0 && error instanceof EtcdError && error.code === 'compacted') continue;
      throw error;
    }
  }
}

/** The hash of all that is stored, except how far the log is applied: that is each member's own. */
export async function hashEverything(machine: EtcdStateMachine, clock: Clock): Promise<number> {
  const snapshot = machine.backend.snapshot();
  try {
    let crc = 0;
    let bytes = 0;
    for (const bucket of [...buckets].sort()) {
      crc = crc32c(Buffer.from(bucket), crc);
      for (const { key, value } of snapshot.entries(bucket)) {
        if (bucket === 'meta' && key.toString() === appliedMark) continue;
        crc = crc32c(value, crc32c(key, crc));
        bytes += key.length + value.length;
        if (bytes < limits.scanStepBytes) continue;
        bytes = 0;
        await clock.sleep(0);
      }
    }
    return crc;
  } finally {
    snapshot.release();
  }
}
