// The store: one member of an etcd cluster.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '@drydock/etcd/limits.ts';
import { openLmdbBackend } from '@drydock/etcd/mvcc/lmdb-backend.ts';
import { createGrpcTransport, PeerListenError } from '@drydock/etcd/peer/grpc-transport.ts';
import { readIdentity, WrongMemberError } from '@drydock/etcd/raft/open-member.ts';
import { createReplica } from '@drydock/etcd/raft/raft-replica.ts';
import type { BootstrapMember } from '@drydock/etcd/replica.ts';
import { authService } from '@drydock/etcd/rpc/auth-service.ts';
import { clusterService } from '@drydock/etcd/rpc/cluster-service.ts';
import { kvService } from '@drydock/etcd/rpc/kv-service.ts';
import { leaseService } from '@drydock/etcd/rpc/lease-service.ts';
import { ClientListener, ListenError } from '@drydock/etcd/rpc/listener.ts';
import { maintenanceService } from '@drydock/etcd/rpc/maintenance-service.ts';
import { Member } from '@drydock/etcd/rpc/messages.ts';
import { encode } from '@drydock/etcd/rpc/protobuf.ts';
import { watchService } from '@drydock/etcd/rpc/watch-service.ts';
import { httpHandler } from '@drydock/etcd/server/http.ts';
import { LeaderClient } from '@drydock/etcd/server/leader-client.ts';
import { hexId } from '@drydock/etcd/server/members.ts';
import { encodeProposal } from '@drydock/etcd/server/proposal.ts';
import { EtcdServer } from '@drydock/etcd/server/server.ts';
import { EtcdStateMachine } from '@drydock/etcd/server/state-machine.ts';
import { WalError } from '@drydock/etcd/wal/errors.ts';
import { NodeDisk } from '@drydock/foundation/node-disk.ts';
import { type ProgramContext, runProgram, StartupError } from '@drydock/foundation/program.ts';
import { credentials } from '@grpc/grpc-js';
import { checkBootstrap, type EtcdConfig, readConfig } from './config.ts';
import { etcdDialect, etcdFlags } from './flags.ts';

type Context = ProgramContext<typeof etcdFlags>;

function bootstrapMembers(config: EtcdConfig): BootstrapMember[] {
  return config.initial.map(({ id, name, peerUrls }) => {
    const member = encode(Member, { ID: id, name: '', peerURLs: [...peerUrls] });
    return { id, name, context: encodeProposal('memberAttributes', 0n, 0n, member) };
  });
}

async function start(context: Context): Promise<void> {
  const { flags: parsed, log, clock, random, lifecycle, fatal } = context;
  const flags = parsed.values;
  const config = readConfig(flags);
  makeDataDir(join(config.dataDir, 'member', 'db'));
  const disk = new NodeDisk(config.dataDir);
  const identity = await readIdentity(disk);
  if (identity === undefined) checkBootstrap(config, flags);
  const id = identity?.id ?? config.initialId;
  const clusterId = identity?.clusterId ?? config.initialClusterId;

  const machine = new EtcdStateMachine({ backend: openLmdbBackend(join(config.dataDir, 'member', 'db')), clock, fatal });
  await machine.open();
  const peers = { id, clusterId, listenUrls: config.peerUrls.map((url) => url.text), clock, random, log };
  const transport = createGrpcTransport({ ...peers, tls: config.peerTls });
  const replica = createReplica({
    ...peers,
    bootstrap: flags['initial-cluster-state'] === 'new' ? bootstrapMembers(config) : undefined,
    machine,
    transport,
    disk,
    fatal,
    tuning: {
      heartbeatMs: flags['heartbeat-interval'],
      electionMs: flags['election-timeout'],
      snapshotCount: flags['snapshot-count'],
      catchUpEntries: flags['experimental-snapshot-catchup-entries'],
      preVote: flags['pre-vote'],
    },
  });
  machine.members.onChange = (member, now) => {
    if (now === undefined) replica.removePeer(member);
    else if (member !== id) replica.addPeer(member, now.peerURLs);
  };
  const known = machine.members.list().map(({ ID, peerURLs }) => ({ id: ID, peerUrls: peerURLs }));
  for (const peer of known.length > 0 ? known : config.initial) if (peer.id !== id) replica.addPeer(peer.id, peer.peerUrls);

  const server = new EtcdServer({
    replica,
    machine,
    clusterId,
    name: flags.name,
    advertiseClientUrls: config.advertiseClientUrls,
    heartbeatMs: flags['heartbeat-interval'],
    electionMs: flags['election-timeout'],
    quotaBytes: flags['quota-backend-bytes'] > 0 ? flags['quota-backend-bytes'] : limits.quotaBytes,
    maxTxnOps: flags['max-txn-ops'],
    maxRequestBytes: flags['max-request-bytes'],
    clock,
    random,
    log,
  });
  const { ca = null, key = null, cert = null } = config.tls ?? {};
  const leader = new LeaderClient(server, (url) =>
    url.protocol === 'https:' ? credentials.createSsl(ca, key, cert) : credentials.createInsecure(),
  );
  const listener = new ClientListener({
    services: [
      kvService(server),
      watchService(server, flags['experimental-watch-progress-notify-interval']),
      leaseService(server, leader),
      clusterService(server, flags['initial-cluster-token']),
      maintenanceService(server),
      authService(server),
    ],
    http: httpHandler(server),
    tls: config.tls,
    receiveBytesMax: flags['max-request-bytes'] + limits.requestOverheadBytes,
  });

  await lifecycle.start({ name: 'store', start: async () => {}, stop: () => machine.close() });
  await lifecycle.start({ name: 'replica', start: () => replica.start(), stop: () => replica.stop() });
  await lifecycle.start({
    name: 'clients',
    start: async () => {
      for (const url of config.clientUrls) await listener.listen(url);
      for (const url of config.metricsUrls) await listener.listen(url, true);
    },
    stop: async () => {
      server.stop();
      leader.close();
      await listener.stop((ms) => clock.sleep(ms));
    },
  });
  server.publish().catch((error) => log.error({ err: error }, 'could not publish the member'));
  log.info(
    { member: hexId(id), cluster: hexId(clusterId), name: flags.name, urls: config.advertiseClientUrls },
    'serving clients',
  );
}

function makeDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new StartupError(`cannot access data directory: ${(cause as Error).message}`, { cause });
  }
}

async function startOrExplain(context: Context): Promise<void> {
  try {
    await start(context);
  } catch (error) {
    const ours = [ListenError, PeerListenError, WalError, WrongMemberError].some((type) => error instanceof type);
    throw ours ? new StartupError((error as Error).message, { cause: error }) : error;
  }
}

await runProgram({ name: 'etcd', flags: etcdFlags, dialect: etcdDialect, start: startOrExplain });
