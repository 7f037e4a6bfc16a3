// A whole member as a process: real disk, real sockets. `node process-member.ts ID PORT,PORT,PORT FOLDER`. Its parent sends texts
// to propose, and is told every text that it applies. The list is not durable, so that every start replays the whole log.
import process from 'node:process';
import { silentLog } from '@drydock/foundation/log.ts';
import { NodeDisk } from '@drydock/foundation/node-disk.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { createGrpcTransport } from '../../peer/grpc-transport.ts';
import { createReplica } from '../raft-replica.ts';
import { ListMachine } from './list-machine.ts';

/** What the process says to its parent. */
export type Report = { readonly applied: readonly string[] } | { readonly leader: string };

const [id = 0n, ports = [], folder = ''] = [
  BigInt(process.argv[2] ?? 0),
  (process.argv[3] ?? '').split(',').map(Number),
  process.argv[4],
];
const urlOf = (member: number): string => `http://127.0.0.1:${ports[member]}`;
const say = (report: Report): void => void process.send?.(report);

class TalkingMachine extends ListMachine {
  override apply(entries: Parameters<ListMachine['apply']>[0]): void {
    const before = this.values.length;
    super.apply(entries);
    if (this.values.length > before) say({ applied: this.values.slice(before) });
  }
}

const clock = new SystemClock();
const random = new SystemRandom();
const log = silentLog;
const clusterId = 5n;
const replica = createReplica({
  id,
  clusterId,
  bootstrap: ports.map((_, i) => ({ id: BigInt(i + 1), context: new Uint8Array(0) })),
  machine: new TalkingMachine(Number.POSITIVE_INFINITY),
  transport: createGrpcTransport({ id, clusterId, listenUrls: [urlOf(Number(id) - 1)], clock, random, log }),
  disk: new NodeDisk(folder),
  clock,
  random,
  log,
  tuning: { segmentBytes: 1 << 20, electionMs: 500, heartbeatMs: 50 },
  fatal: (error) => {
    throw error;
  },
});
for (const i of ports.keys()) replica.addPeer(BigInt(i + 1), [urlOf(i)]);
process.on('message', (text: string) => void replica.propose(Buffer.from(text)));
process.on('disconnect', () => process.exit(0));
replica.onLeaderChange((leader) => say({ leader: String(leader) }));
await replica.start();
