// Consensus alone: three members in three processes, real disk, gRPC between them. `node test/bench/raft.ts [FIRST_PORT]`.
// Prints proposals and linearizable reads per second on the leader; values of 256 bytes.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type ChildProcess, fork } from '@drydock/foundation/child-process.ts';

const durationMs = 3000;
const first = Number(process.argv[2] ?? 21_500);
const count = Number(process.argv[3] ?? 3);
const ports = Array.from({ length: count }, (_, i) => first + i);
const root = await mkdtemp(join(process.env.BENCH_DIR ?? tmpdir(), 'drydock-bench-'));
const script = new URL('./raft-member.ts', import.meta.url).pathname;
const members: ChildProcess[] = ports.map((_, i) => fork(script, [String(i + 1), ports.join(), join(root, String(i + 1))]));

try {
  const leader = await Promise.any(
    members.map(async (member, i) => {
      for (;;) {
        const [message] = await once(member, 'message');
        if (message.leader === String(i + 1)) return member;
      }
    }),
  );
  const rows: object[] = [];
  for (const kind of ['propose', 'read'] as const) {
    for (const concurrent of [1, 32, 256]) {
      leader.send({ kind, concurrent, durationMs });
      const [row] = await once(leader, 'message');
      rows.push(row);
    }
  }
  console.table(rows);
} finally {
  for (const member of members) member.kill();
  await rm(root, { recursive: true });
}
