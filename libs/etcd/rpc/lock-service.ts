// v3lockpb.Lock: a lock is a prefix, and the oldest key under it is its holder. It is given up with the key, or with its lease.
import { LockRequest, LockResponse, UnlockRequest } from './coordination-messages.ts';
import { createdAt, firstCreated, firstKv, type LocalClient, putOp, rangeOp } from './local-client.ts';
import { HeaderOnly } from './messages.ts';
import type { MessageOf } from './protobuf.ts';
import { type Call, grpcCodes, type Service, StatusError, service, unary } from './service.ts';
import { patient, sessionKey, sessionLease, waitForTurn } from './turn.ts';

const noValue = Buffer.alloc(0);

export function lockService(client: LocalClient): Service {
  return service('v3lockpb.Lock', {
    Lock: patient(LockRequest, LockResponse, (request, call, signal) => lock(client, request, call, signal)),
    Unlock: unary(UnlockRequest, HeaderOnly, async ({ key }, _raw, call) => {
      const { header } = await client.delete(call, key);
      return { header };
    }),
  });
}

async function lock(client: LocalClient, request: MessageOf<typeof LockRequest>, call: Call, signal: AbortSignal) {
  const lease = await sessionLease(client, call, request.lease);
  const prefix = `${request.name}/`;
  const key = sessionKey(prefix, lease);
  const owner = rangeOp(firstCreated(prefix));
  const { header, succeeded, responses } = await client.txn(call, {
    compare: [createdAt(key, 0)],
    success: [putOp(key, noValue, lease), owner],
    failure: [rangeOp({ key }), owner],
  });
  const [own, first] = responses.map(({ response_range }) => response_range && firstKv(response_range));
  const revision = succeeded ? (header?.revision ?? 0) : (own?.create_revision ?? 0);
  if (first === undefined || first.create_revision === revision) return { header, key };
  try {
    await waitForTurn(client, call, prefix, revision - 1, signal);
  } catch (error) {
    await client.delete(call, key).catch(() => {});
    throw error;
  }
  // Whoever came to its turn because its own lease had ended has no lock.
  const held = await client.range(call, { key });
  if (held.kvs.length === 0) throw new StatusError(grpcCodes.unknown, 'mutex: session is expired');
  return { header: held.header, key };
}
