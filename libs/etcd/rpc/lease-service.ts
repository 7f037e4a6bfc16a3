// etcdserverpb.Lease. The time left of a lease is known to the leader only: others ask it.
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { LeaderCalls } from '../server/leader-calls.ts';
import type { EtcdServer } from '../server/server.ts';
import {
  HeaderOnly,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  type ResponseHeader,
} from './messages.ts';
import { decode, encode, type MessageOf } from './protobuf.ts';
import { type Call, requireLeader, type Service, type StreamMethod, service, unary } from './service.ts';

type Headed = { header: ResponseHeader | undefined };

export function leaseService(server: EtcdServer, leader: LeaderCalls): Service {
  const { lessor, guard } = server.machine;
  const identify = (call: Call) => server.access.identify(call);
  return service('etcdserverpb.Lease', {
    LeaseGrant: unary(LeaseGrantRequest, LeaseGrantResponse, async ({ ID, TTL }, _raw, call) => {
      requireLeader(call.metadata, server.hasLeader);
      if (TTL > limits.leaseTtlMaxSeconds) throw new EtcdError('leaseTtlTooLarge');
      const granted = { ID: ID === 0n ? newLeaseId(server) : ID, TTL: Math.max(TTL, server.minLeaseTtlSeconds) };
      const response = await server.propose('leaseGrant', encode(LeaseGrantRequest, granted), await identify(call));
      return server.fill(response as MessageOf<typeof LeaseGrantResponse>);
    }),
    LeaseRevoke: unary(LeaseRevokeRequest, HeaderOnly, async (_request, raw, call) => {
      requireLeader(call.metadata, server.hasLeader);
      return server.fill((await server.propose('leaseRevoke', raw, await identify(call))) as Headed);
    }),
    LeaseKeepAlive: keepAlive(server, leader),
    LeaseTimeToLive: unary(LeaseTimeToLiveRequest, LeaseTimeToLiveResponse, async (request, raw, call) => {
      const identity = await identify(call);
      guard.user(identity);
      if (request.keys) guard.leaseRead(identity, request.ID);
      if (server.isLeader) await server.readPoint();
      // A leader that is deposed meanwhile has forgotten the time.
      if (!lessor.primary || !server.leadsNow) {
        const answer = await leader.unary('/etcdserverpb.Lease/LeaseTimeToLive', raw);
        return { ...decode(LeaseTimeToLiveResponse, answer), header: server.header() };
      }
      return { ...timeToLive(server, request), header: server.header() };
    }),
    LeaseLeases: unary({}, LeaseLeasesResponse, async (_request, _raw, call) => {
      await server.readPoint();
      const identity = await identify(call);
      guard.user(identity);
      for (const { id } of lessor.all()) guard.leaseRead(identity, id);
      const leases = [...lessor.all()].sort((a, b) => a.expiresMs - b.expiresMs).map(({ id }) => ({ ID: id }));
      return { header: server.header(), leases };
    }),
  });
}

function timeToLive(server: EtcdServer, request: MessageOf<typeof LeaseTimeToLiveRequest>) {
  const lease = server.machine.lessor.get(request.ID);
  if (lease === undefined) return { ID: request.ID, TTL: -1, grantedTTL: 0, keys: [] };
  const left = Math.trunc((lease.expiresMs - server.options.clock.monotonicMs()) / 1000);
  const keys = request.keys ? [...lease.keys].sort() : [];
  return { ID: request.ID, TTL: Number.isFinite(left) ? Math.max(left, -1) : -1, grantedTTL: lease.ttlSeconds, keys };
}

/** A positive int64 that is not in use. */
function newLeaseId(server: EtcdServer): bigint {
  for (;;) {
    const bytes = server.options.random.stream('etcd/leases').bytes(8);
    const id = BigInt.asUintN(
      63,
      bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n),
    );
    if (id !== 0n && !server.machine.lessor.has(id)) return id;
  }
}

/** Answers in the order of the requests; a lease that is gone has TTL 0. */
function keepAlive(server: EtcdServer, leader: LeaderCalls): StreamMethod {
  return {
    kind: 'stream',
    open: (call) => {
      let order: Promise<void> = Promise.resolve();
      const finish = (error?: unknown): void => {
        forget();
        call.end(error);
      };
      const forget = server.onLeaderLost(() => finish(new EtcdError('noLeader')));
      return {
        message: (raw) => {
          const answer = renew(server, leader, raw, call);
          // Held back until its turn comes, without being an unhandled rejection meanwhile.
          answer.catch(() => {});
          order = order.then(async () => call.write(await answer)).catch(finish);
          return order;
        },
        end: () => void order.then(() => finish()),
        closed: forget,
      };
    },
  };
}

async function renew(server: EtcdServer, leader: LeaderCalls, raw: Buffer, call: Call): Promise<Buffer> {
  const { ID } = decode(LeaseKeepAliveRequest, raw);
  const { machine, options } = server;
  const header = server.header();
  const askLeader = async (): Promise<Buffer> => {
    await permitRenewal(server, call, ID);
    const answer = decode(LeaseKeepAliveResponse, await leader.keepAlive(raw));
    return encode(LeaseKeepAliveResponse, { ...answer, header });
  };
  if (!machine.lessor.primary) return askLeader();
  try {
    // A leader that was deposed without knowing must not promise time; the read point may have come from its successor.
    await server.readPoint();
    await permitRenewal(server, call, ID);
    if (!machine.lessor.primary || !server.leadsNow) return await askLeader();
    return encode(LeaseKeepAliveResponse, { header, ID, TTL: machine.lessor.renew(ID, options.clock.monotonicMs()) });
  } catch (error) {
    if (!(error instanceof EtcdError) || error.code !== 'leaseNotFound') throw error;
    return encode(LeaseKeepAliveResponse, { header, ID, TTL: 0 });
  }
}

async function permitRenewal(server: EtcdServer, call: Call, lease: bigint): Promise<void> {
  const identity = await server.access.identify(call);
  server.machine.guard.user(identity);
  server.machine.guard.leaseWrite(identity, lease);
}
