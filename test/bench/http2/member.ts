// A store of one member for ../http2.ts: `node member.ts ours|node:http2 PORT FOLDER`. The same member either way; only its client
// port differs. Prints `serving`.
import { join } from 'node:path';
import { bcryptHasher } from '@drydock/etcd/auth/bcrypt.ts';
import { limits } from '@drydock/etcd/limits.ts';
import { EtcdMember, type MemberSettings } from '@drydock/etcd/member.ts';
import { openLmdbBackend } from '@drydock/etcd/mvcc/lmdb-backend.ts';
import type { Transport } from '@drydock/etcd/peer/transport.ts';
import { ClientListener } from '@drydock/etcd/rpc/listener.ts';
import { LeaderClient } from '@drydock/etcd/server/leader-client.ts';
import { Lifecycle } from '@drydock/foundation/lifecycle.ts';
import { silentLog as log } from '@drydock/foundation/log.ts';
import { makeFolderDurably, NodeDisk } from '@drydock/foundation/node-disk.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { bareServer } from './bare.ts';

const [kind = 'ours', portText = '0', folder = ''] = process.argv.slice(2);
const [host, port] = ['127.0.0.1', Number(portText)];
const id = 1n;
const [heartbeatMs, electionMs] = [100, 1000];
const fatal = (error: unknown): void => {
  console.error(error);
  process.exit(1);
};

/** There is nobody else. */
const alone: Transport = {
  start: async () => {},
  stop: async () => {},
  send: () => {},
  sendSnapshot: () => Promise.reject(new Error('nobody to send to')),
  addPeer: () => {},
  removePeer: () => {},
  peers: () => [],
};
const settings: MemberSettings = {
  id,
  clusterId: 1n,
  name: 'm1',
  initial: [{ id, name: 'm1', peerUrls: [`http://${host}:1`] }],
  bootstrap: true,
  initialClusterToken: 'bench',
  advertiseClientUrls: [`http://${host}:${port}`],
  heartbeatMs,
  electionMs,
  quotaBytes: limits.quotaBytes,
  maxTxnOps: limits.txnOps,
  maxRequestBytes: limits.requestBytes,
  strictReconfigCheck: true,
  maxLearners: 1,
  watchProgressMs: 600_000,
  tuning: { heartbeatMs, electionMs },
};
const [clock, random, lifecycle] = [new SystemClock(), new SystemRandom(), new Lifecycle(log)];
await makeFolderDurably(join(folder, 'member', 'db'), folder);
const member = await EtcdMember.open(settings, {
  disk: new NodeDisk(folder),
  backend: openLmdbBackend(join(folder, 'member', 'db')),
  transport: alone,
  leader: (server) => new LeaderClient(server, undefined),
  clock,
  random,
  passwordHasher: bcryptHasher,
  log,
  fatal,
});
await member.start(lifecycle);
if (kind === 'ours') {
  const { services } = member;
  const receiveBytesMax = limits.requestBytes + limits.requestOverheadBytes;
  const listener = new ClientListener({
    services,
    http: (_, response) => response.end(),
    tls: undefined,
    log,
    receiveBytesMax,
    clock,
  });
  await listener.listen({ secure: false, host, port, path: undefined, text: `http://${host}:${port}` });
} else {
  await new Promise<void>((resolve) => bareServer(member.services).listen(port, host, resolve));
}
member.publish(() => console.log('serving'));
