// One member of the consensus benchmark in a process of its own: `node raft-member.ts ID PORT,PORT,PORT FOLDER`. Proposes on command.
import process from 'node:process';
import { createGrpcTransport } from '@drydock/etcd/peer/grpc-transport.ts';
import { createReplica } from '@drydock/etcd/raft/raft-replica.ts';
import type { StateMachine } from '@drydock/etcd/replica.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { NodeDisk } from '@drydock/foundation/node-disk.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import type { Entry } from 'raft-ts/types.ts';

const valueBytes = 256;
const ids = [1n, 2n, 3n];
const id = BigInt(process.argv[2] ?? '1');
const ports = (process.argv[3] ?? '').split(',').slice(0, 3).map(Number);
const members = ids.slice(0, ports.length);
const clock = new SystemClock();
const random = new SystemRandom();

let applied = 0;
const waiting = new Map<number, () => void>();
const machine: StateMachine = {
  apply(entries: readonly Entry[]) {
    for (const { index, data } of entries) {
      applied = index;
      if (data.length !== valueBytes) continue;
      const view = new DataView(data.buffer, data.byteOffset);
      if (view.getUint32(0) !== Number(id)) continue;
      waiting.get(view.getUint32(4))?.();
    }
  },
  refused: () => false,
  appliedIndex: () => applied,
  durableIndex: () => applied,
  snapshot: () => ({ index: applied, content: (async function* () {})() }),
  restore: async (meta) => {
    applied = meta.index;
  },
};

const replica = createReplica({
  id,
  clusterId: 77n,
  bootstrap: members.map((member) => ({ id: member, context: new Uint8Array(0) })),
  machine,
  transport: createGrpcTransport({
    id,
    clusterId: 77n,
    listenUrls: [`http://127.0.0.1:${ports[Number(id) - 1]}`],
    clock,
    random,
    log: silentLog,
  }),
  disk: new NodeDisk(process.argv[4] ?? '.'),
  clock,
  random,
  log: silentLog,
  fatal: (error) => {
    console.error(error);
    process.exit(1);
  },
});
for (const [i, member] of members.entries()) replica.addPeer(member, [`http://127.0.0.1:${ports[i]}`]);

let sequence = 0;
function propose(): Promise<void> {
  const data = new Uint8Array(valueBytes);
  const number = ++sequence;
  const view = new DataView(data.buffer);
  view.setUint32(0, Number(id));
  view.setUint32(4, number);
  return new Promise((resolve) => {
    waiting.set(number, () => {
      waiting.delete(number);
      resolve();
    });
    replica.propose(data);
  });
}

async function measure(kind: 'propose' | 'read', concurrent: number, durationMs: number): Promise<object> {
  const until = clock.monotonicMs() + durationMs;
  const latencies: number[] = [];
  const worker = async (): Promise<void> => {
    for (let now = clock.monotonicMs(); now < until; ) {
      await (kind === 'propose' ? propose() : replica.readIndex());
      const after = clock.monotonicMs();
      latencies.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: concurrent }, worker));
  latencies.sort((a, b) => a - b);
  const at = (part: number): number => Number((latencies[Math.floor(latencies.length * part)] ?? 0).toFixed(2));
  return { kind, concurrent, perSecond: Math.round((latencies.length * 1000) / durationMs), p50Ms: at(0.5), p99Ms: at(0.99) };
}

process.on('message', async (command: { kind: 'propose' | 'read'; concurrent: number; durationMs: number }) => {
  process.send?.(await measure(command.kind, command.concurrent, command.durationMs));
});
process.on('disconnect', () => process.exit(0));
replica.onLeaderChange((leader) => process.send?.({ leader: String(leader) }));
await replica.start();
