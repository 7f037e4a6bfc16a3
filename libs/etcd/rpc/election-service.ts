// v3electionpb.Election: an election is a prefix, and the oldest key under it is the leader, its value what the leader proclaims.
import {
  CampaignRequest,
  CampaignResponse,
  type LeaderKey,
  LeaderRequest,
  LeaderResponse,
  ProclaimRequest,
  ResignRequest,
} from './coordination-messages.ts';
import { ElectionObserver } from './election-observer.ts';
import { createdAt, deleteOp, firstKv, type LocalClient, putOp, rangeOp } from './local-client.ts';
import { HeaderOnly, type ResponseHeader } from './messages.ts';
import { decode } from './protobuf.ts';
import { type Call, grpcCodes, oneRequest, type Service, StatusError, service, unary } from './service.ts';
import { patient, sessionKey, sessionLease, waitForTurn } from './turn.ts';

export function electionService(client: LocalClient): Service {
  return service('v3electionpb.Election', {
    Campaign: patient(CampaignRequest, CampaignResponse, (request, call, signal) => campaign(client, request, call, signal)),
    Proclaim: unary(ProclaimRequest, HeaderOnly, async ({ leader, value }, _raw, call) => {
      return { header: await proclaim(client, given(leader), value, call) };
    }),
    Resign: unary(ResignRequest, HeaderOnly, async ({ leader }, _raw, call) => {
      return { header: await resign(client, given(leader), call) };
    }),
    Leader: unary(LeaderRequest, LeaderResponse, async ({ name }, _raw, call) => {
      const { header, kvs } = await client.firstCreated(call, `${name}/`);
      const [kv] = kvs;
      if (kv === undefined) throw refusal('election: no leader');
      return { header, kv };
    }),
    Observe: {
      kind: 'stream',
      open: (call) => {
        const observer = new ElectionObserver(client, call);
        return oneRequest({
          message: (raw) => observer.observe(`${decode(LeaderRequest, raw).name}/`),
          closed: () => observer.close(),
          drained: () => observer.drained(),
        });
      },
    },
  });
}

/** A lease that campaigns again goes on with its key, and proclaims where the value is another. */
async function campaign(client: LocalClient, request: CampaignRequest, call: Call, signal: AbortSignal) {
  const lease = await sessionLease(client, call, request.lease);
  const prefix = `${request.name}/`;
  const key = sessionKey(prefix, lease);
  const response = await client.txn(call, {
    compare: [createdAt(key, 0)],
    success: [putOp(key, request.value, lease)],
    failure: [rangeOp({ key })],
  });
  const { header } = response;
  const [range] = response.responses.map(({ response_range }) => response_range);
  const own = range === undefined ? undefined : firstKv(range);
  const leader = { name: request.name, key, rev: own?.create_revision ?? header?.revision ?? 0, lease };
  try {
    if (own !== undefined && !own.value.equals(request.value)) await proclaim(client, leader, request.value, call);
    await waitForTurn(client, call, prefix, leader.rev - 1, signal);
  } catch (error) {
    await resign(client, leader, call).catch(() => {});
    throw error;
  }
  return { header, leader };
}

async function proclaim(
  client: LocalClient,
  leader: LeaderKey,
  value: Buffer,
  call: Call,
): Promise<ResponseHeader | undefined> {
  const { header, succeeded } = await client.txn(call, {
    compare: [createdAt(leader.key, leader.rev)],
    success: [putOp(leader.key, value, leader.lease)],
  });
  if (!succeeded) throw refusal('election: not leader');
  return header;
}

/** No error where it is not the leader any more. */
async function resign(client: LocalClient, leader: LeaderKey, call: Call): Promise<ResponseHeader | undefined> {
  const compare = [createdAt(leader.key, leader.rev)];
  return (await client.txn(call, { compare, success: [deleteOp(leader.key)] })).header;
}

function given(leader: LeaderKey | undefined): LeaderKey {
  if (leader === undefined) throw refusal('"leader" field must be provided');
  return leader;
}

/** The original has no status of the API for these. */
function refusal(text: string): StatusError {
  return new StatusError(grpcCodes.unknown, text);
}
