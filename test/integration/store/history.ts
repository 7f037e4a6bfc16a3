// What a store holds, and a history that fills it: the same calls on ours and on the original.
import { type ApiMethod, api } from '@drydock/etcd/rpc/api.ts';
import type { PutResponse } from '@drydock/etcd/rpc/messages.ts';
import type { MessageOf, Schema } from '@drydock/etcd/rpc/protobuf.ts';
import { Client, credentials } from '@grpc/grpc-js';
import { unaryCall } from './client.ts';

const deadlineMs = 10_000;
const keySpace = 40;

/** A client of one member. */
export class Caller {
  readonly #client: Client;

  constructor(endpoint: string) {
    this.#client = new Client(new URL(endpoint).host, credentials.createInsecure());
  }

  call<I extends Schema, O extends Schema>(method: ApiMethod<I, O>, request: Partial<MessageOf<I>>): Promise<MessageOf<O>> {
    return unaryCall(this.#client, method, request, deadlineMs);
  }

  put(key: string, value: string, lease = 0n): Promise<MessageOf<typeof PutResponse>> {
    return this.call(api.put, { key, value: Buffer.from(value), lease });
  }

  compact(revision: number): Promise<unknown> {
    return this.call(api.compact, { revision, physical: true });
  }

  close(): void {
    this.#client.close();
  }
}

/** Puts, overwrites, deletes, transactions of several changes, leases and one compaction, chosen by `seed`. */
export async function randomHistory(caller: Caller, seed: number, operations: number): Promise<void> {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const key = () => `/registry/${below(keySpace)}`;
  const leases = [0n, 0n];
  let revision = 1;
  for (let i = 0; i < operations; i++) {
    const kind = below(20);
    if (kind === 0) {
      const { ID } = await caller.call(api.leaseGrant, { TTL: 1000 + i, ID: 0n });
      leases.push(ID);
    } else if (kind < 4) {
      await caller.call(api.deleteRange, { key: key() });
    } else if (kind < 7) {
      const puts = Array.from({ length: 1 + below(4) }, (_, part) => ({
        request_put: { ...noPut, key: `${key()}/${part}`, value: Buffer.from(`txn ${i}`) },
      }));
      const success = puts.map((put) => ({ ...noOperation, ...put }));
      await caller.call(api.txn, { success });
    } else {
      const value = below(25) === 0 ? 'x'.repeat(10_000) : `value ${i}`;
      const answer = await caller.put(key(), value, leases[below(leases.length)]);
      revision = answer.header?.revision ?? revision;
    }
    if (i === Math.floor(operations * 0.6)) await caller.compact(revision - 20);
  }
}

const noPut = { lease: 0n, prev_kv: false, ignore_value: false, ignore_lease: false };
const noOperation = { request_range: undefined, request_delete_range: undefined, request_txn: undefined };

/** Everything that a client can ask for. */
export async function contentOf(caller: Caller) {
  const all = { key: '\0', range_end: '\0' };
  const { kvs, header } = await caller.call(api.range, all);
  const revision = header?.revision ?? 0;
  const { leases } = await caller.call(api.leaseLeases, {});
  const ttls = [];
  for (const { ID } of leases) {
    const { grantedTTL, keys } = await caller.call(api.leaseTimeToLive, { ID, keys: true });
    ttls.push(`${ID.toString(16)} ${grantedTTL} ${[...keys].sort().join()}`);
  }
  const { hash, compact_revision } = await caller.call(api.hashKv, { revision });
  return { revision, hash, compact_revision, leases: ttls.sort(), kvs: kvs.map((kv) => kv.toString('latin1')) };
}
