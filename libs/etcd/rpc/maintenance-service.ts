// etcdserverpb.Maintenance: status, hashes, snapshots, alarms, hand-over of the leadership.
import { streamSnapshot } from '../backup/snapshot-stream.ts';
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import { isAlarmQuery } from '../server/apply.ts';
import { checkedTarget } from '../server/downgrade.ts';
import { hashByRevision, hashEverything } from '../server/hashes.ts';
import type { EtcdServer } from '../server/server.ts';
import { clusterVersion, serverVersion } from '../server/version.ts';
import {
  AlarmRequest,
  AlarmResponse,
  alarmType,
  DowngradeInfo,
  DowngradeRequest,
  DowngradeResponse,
  downgradeAction,
  HashKVRequest,
  HashKVResponse,
  HashResponse,
  HeaderOnly,
  MoveLeaderRequest,
  StatusResponse,
} from './messages.ts';
import { encode, type MessageOf } from './protobuf.ts';
import {
  grpcCodes,
  oneRequest,
  type Service,
  StatusError,
  type StreamCall,
  type StreamMethod,
  service,
  unary,
} from './service.ts';

const alarmNames: Readonly<Record<number, string>> = { [alarmType.noSpace]: 'NOSPACE', [alarmType.corrupt]: 'CORRUPT' };

export function maintenanceService(server: EtcdServer): Service {
  const { machine, replica } = server;
  const { clock } = server.options;
  return service('etcdserverpb.Maintenance', {
    Status: unary({}, StatusResponse, async () => status(server)),
    Alarm: unary(AlarmRequest, AlarmResponse, async (request, raw) => {
      if (isAlarmQuery(request)) return { header: server.header(), alarms: machine.alarms.list(request.alarm) };
      return server.fill((await server.propose('alarm', raw)) as MessageOf<typeof AlarmResponse>);
    }),
    Defragment: unary({}, HeaderOnly, async () => {
      await machine.backend.defragment();
      return { header: server.header() };
    }),
    Hash: unary({}, HashResponse, async () => ({ header: server.header(), hash: await hashEverything(machine, clock) })),
    HashKV: unary(HashKVRequest, HashKVResponse, async ({ revision }) => {
      const result = await hashByRevision(machine, clock, revision);
      return {
        header: server.header(result.current),
        hash: result.hash,
        compact_revision: result.compactRevision,
        hash_revision: result.revision,
      };
    }),
    Snapshot: snapshot(server),
    MoveLeader: unary(MoveLeaderRequest, HeaderOnly, async ({ targetID }) => {
      if (!server.isLeader) throw new EtcdError('notLeader');
      const target = machine.members.get(targetID);
      if (target === undefined || target.isLearner) throw new EtcdError('badTransferee');
      if (targetID !== replica.id) await moveLeader(server, targetID);
      return { header: server.header() };
    }),
    Downgrade: unary(DowngradeRequest, DowngradeResponse, async (request) => downgrade(server, request)),
  });
}

async function downgrade(server: EtcdServer, { action, version }: MessageOf<typeof DowngradeRequest>) {
  const announce = (enabled: boolean, targetVersion: string) =>
    server.propose('downgrade', encode(DowngradeInfo, { enabled, targetVersion }));
  await server.readPoint();
  const { info } = server.machine.downgrade;
  if (action === downgradeAction.cancel) {
    if (!info.enabled) throw new EtcdError('noDowngrade');
    await announce(false, '');
  } else {
    const target = checkedTarget(version, clusterVersion, info);
    if (action === downgradeAction.enable) await announce(true, target);
    else if (action !== downgradeAction.validate) throw new EtcdError('unknownMethod');
  }
  return { header: server.header(), version: clusterVersion };
}

function status(server: EtcdServer): Partial<MessageOf<typeof StatusResponse>> {
  const { machine, replica, options } = server;
  const raft = replica.status();
  const { totalBytes, inUseBytes } = machine.backend.sizes();
  const errors = machine.alarms.list().map(({ memberID, alarm }) => `memberID:${memberID} alarm:${alarmNames[alarm]} `);
  if (raft.leader === 0n) errors.unshift(new EtcdError('noLeader').message);
  return {
    header: server.header(),
    version: serverVersion,
    storageVersion: clusterVersion,
    dbSize: totalBytes,
    dbSizeInUse: inUseBytes,
    dbSizeQuota: options.quotaBytes,
    leader: raft.leader,
    raftIndex: raft.commit,
    raftTerm: raft.term,
    raftAppliedIndex: machine.appliedIndex(),
    errors,
    downgradeInfo: machine.downgrade.info,
    isLearner: machine.members.get(replica.id)?.isLearner ?? false,
  };
}

/** Resolves when the target leads. */
function moveLeader(server: EtcdServer, target: bigint): Promise<void> {
  const { replica, options } = server;
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      timer.cancel();
      unsubscribe();
    };
    const timer = options.clock.timer(server.requestTimeoutMs, () => {
      finish();
      reject(new EtcdError('timeoutTransfer'));
    });
    const unsubscribe = replica.onLeaderChange((leader) => {
      if (leader !== target) return;
      finish();
      resolve();
    });
    replica.transferLeadership(target);
  });
}

/** A snapshot file. The client may read as slowly as it likes: the picture it gets is that of the call. */
function snapshot(server: EtcdServer): StreamMethod {
  return {
    kind: 'stream',
    open: (call) => {
      let over = false;
      let goOn = (): void => {};
      return oneRequest({
        message: () => {
          const isRead = (): Promise<void> => new Promise((resolve) => (goOn = resolve));
          sendSnapshot(server, call, isRead, () => over).then(
            () => call.end(),
            (error) => call.end(error instanceof EtcdError ? error : new StatusError(grpcCodes.internal, String(error))),
          );
        },
        drained: () => {
          if (call.waitingBytes <= limits.snapshotWindowBytes) goOn();
        },
        closed: () => {
          over = true;
          goOn();
        },
      });
    },
  };
}

/** @param isRead resolves when the client has taken most of what was written, or the call is over. */
async function sendSnapshot(
  server: EtcdServer,
  call: StreamCall,
  isRead: () => Promise<void>,
  isOver: () => boolean,
): Promise<void> {
  const { machine, replica, options } = server;
  const { term, conf } = replica.status();
  for await (const messages of streamSnapshot(await machine.backendSnapshot(), { term, conf }, options.clock, isOver)) {
    const read = isRead();
    for (const message of messages) call.write(message);
    // Less than a block waits then: what came before it may be used again.
    if (call.waitingBytes > limits.snapshotWindowBytes) await read;
    if (isOver()) return;
  }
}
