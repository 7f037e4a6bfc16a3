// Calls of other services on this member, on behalf of a caller: with its rights, as if it had made them itself.
import { EtcdError } from '../errors.ts';
import { type KeyRange, keyRange } from '../mvcc/key-range.ts';
import type { StoreEvent } from '../mvcc/store.ts';
import type { EtcdServer } from '../server/server.ts';
import type { Watcher } from '../watch/hub.ts';
import {
  type Compare,
  compareTarget,
  DeleteRangeRequest,
  DeleteRangeResponse,
  KeyValue,
  LeaseGrantRequest,
  LeaseGrantResponse,
  RangeRequest,
  type RangeResponse,
  RangeResponse as RangeResponseTable,
  type RequestOp,
  sortOrder,
  sortTarget,
  TxnRequest,
  TxnResponse,
} from './messages.ts';
import { decode, encode, type MessageOf, type Schema } from './protobuf.ts';
import { type Call, grpcCodes, methodsOf, type Service, StatusError } from './service.ts';

const noBytes = Buffer.alloc(0);
const noOp: RequestOp = {
  request_range: undefined,
  request_put: undefined,
  request_delete_range: undefined,
  request_txn: undefined,
};

/** Where the events of a watch go. Called while a change is applied: whatever it leads to has to wait for its own turn. */
export interface LocalWatch {
  /** While true, events wait in the store's history. */
  readonly blocked: boolean;
  events(events: readonly StoreEvent[], end: () => void): void;
  failed(error: EtcdError): void;
}

export class LocalClient {
  readonly server: EtcdServer;
  readonly #methods: ReturnType<typeof methodsOf>;

  /** `services`: KV and Lease. */
  constructor(server: EtcdServer, services: readonly Service[]) {
    this.server = server;
    this.#methods = methodsOf(services);
  }

  range(call: Call, request: Partial<RangeRequest>): Promise<RangeResponse> {
    return this.#unary('/etcdserverpb.KV/Range', [RangeRequest, RangeResponseTable], request, call);
  }

  delete(call: Call, key: string): Promise<MessageOf<typeof DeleteRangeResponse>> {
    return this.#unary('/etcdserverpb.KV/DeleteRange', [DeleteRangeRequest, DeleteRangeResponse], { key }, call);
  }

  txn(call: Call, request: Partial<TxnRequest>): Promise<TxnResponse> {
    return this.#unary('/etcdserverpb.KV/Txn', [TxnRequest, TxnResponse], request, call);
  }

  async grant(call: Call, TTL: number): Promise<bigint> {
    const tables = [LeaseGrantRequest, LeaseGrantResponse] as const;
    return (await this.#unary('/etcdserverpb.Lease/LeaseGrant', tables, { TTL }, call)).ID;
  }

  /** The oldest key under a prefix is the owner of what the prefix stands for. */
  firstCreated(call: Call, prefix: string): Promise<RangeResponse> {
    return this.range(call, firstCreated(prefix));
  }

  /**
   * Events of the keys from `startRevision` on; gives the way to end it, as every call of `events` does. `failed` is called
   * where they cannot be followed any more.
   */
  async watch(
    call: Call,
    range: { readonly key: string; readonly range_end: string },
    startRevision: number,
    sink: LocalWatch,
  ): Promise<() => void> {
    const { access, machine } = this.server;
    machine.guard.range(await access.identify(call), range);
    const spec = { range: keyRange(range.key, range.range_end), wantsPut: true, wantsDelete: true, startRevision };
    let watcher: Watcher | undefined;
    const end = (): void => {
      if (watcher !== undefined) machine.hub.remove(watcher);
      watcher = undefined;
    };
    watcher = machine.hub.add(spec, {
      get blocked() {
        return sink.blocked;
      },
      send: (_watcher, events) => {
        if (watcher !== undefined) sink.events(events, end);
      },
      caughtUp: () => {},
      compacted: () => {
        watcher = undefined;
        sink.failed(new EtcdError('compacted'));
      },
    });
    return end;
  }

  async #unary<I extends Schema, O extends Schema>(
    path: string,
    [input, output]: readonly [I, O],
    request: Partial<MessageOf<I>>,
    call: Call,
  ): Promise<MessageOf<O>> {
    const method = this.#methods.get(path);
    if (method?.kind !== 'unary') throw new EtcdError('unimplemented');
    try {
      return decode(output, await method.handle(encode(input, request), call));
    } catch (error) {
      // The original's client inside the server keeps the text only.
      throw error instanceof EtcdError ? new StatusError(grpcCodes.unknown, error.message, { cause: error }) : error;
    }
  }
}

/** Everything that begins with the prefix. It ends in '/', so that its last character can be counted up. */
export function prefixRange(prefix: string): KeyRange & { readonly key: string; readonly range_end: string } {
  const range_end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
  return { ...keyRange(prefix, range_end), key: prefix, range_end };
}

export function firstCreated(prefix: string): Partial<RangeRequest> {
  const { key, range_end } = prefixRange(prefix);
  return { key, range_end, limit: 1, sort_target: sortTarget.create, sort_order: sortOrder.ascend };
}

export function lastCreated(prefix: string, max_create_revision: number): Partial<RangeRequest> {
  const { key, range_end } = prefixRange(prefix);
  return { key, range_end, limit: 1, sort_target: sortTarget.create, sort_order: sortOrder.descend, max_create_revision };
}

export function rangeOp(request: Partial<RangeRequest>): RequestOp {
  return { ...noOp, request_range: decode(RangeRequest, encode(RangeRequest, request)) };
}

export function putOp(key: string, value: Buffer, lease: bigint): RequestOp {
  return { ...noOp, request_put: { key, value, lease, prev_kv: false, ignore_value: false, ignore_lease: false } };
}

export function deleteOp(key: string): RequestOp {
  return { ...noOp, request_delete_range: { key, range_end: '', prev_kv: false } };
}

/** Whether the key was created at this revision; 0: whether there is none. */
export function createdAt(key: string, create_revision: number): Compare {
  const zero = { result: 0, version: 0, mod_revision: 0, value: noBytes, lease: 0n, range_end: '' };
  return { ...zero, target: compareTarget.create, key, create_revision };
}

export function firstKv({ kvs: [kv] }: Pick<RangeResponse, 'kvs'>): KeyValue | undefined {
  return kv === undefined ? undefined : decode(KeyValue, kv);
}
