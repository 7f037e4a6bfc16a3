// What a client might send that means no good: frames, header blocks and messages, right ones and what chance makes of them.

import { flags, frameTypes } from '@drydock/etcd/http2/frames.ts';
import { encodeHeaders } from '@drydock/etcd/http2/hpack.ts';
import { frame, grpcMessage, grpcRequest, headersFrame, uint32 } from '@drydock/etcd/http2/testing/raw-client.ts';
import { type ApiMethod, api } from '@drydock/etcd/rpc/api.ts';
import { encode, type Field, type Schema } from '@drydock/etcd/rpc/protobuf.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';

/** A store of one member goes on after these; the others end it, or take long by their nature (passwords, defragmentation). */
const methods: readonly ApiMethod<Schema, Schema>[] = [
  ...[api.range, api.put, api.deleteRange, api.txn, api.leaseGrant, api.leaseRevoke, api.leaseTimeToLive, api.leaseLeases],
  ...[
    api.memberList,
    api.status,
    api.hashKv,
    api.authStatus,
    api.userGet,
    api.userList,
    api.userDelete,
    api.roleAdd,
    api.roleGet,
  ],
  ...[api.roleList, api.roleDelete, api.roleGrantPermission, api.roleRevokePermission, api.userGrantRole, api.userRevokeRole],
];
const streams = [
  '/etcdserverpb.Watch/Watch',
  '/etcdserverpb.Lease/LeaseKeepAlive',
  '/v3lockpb.Lock/Lock',
  '/v3electionpb.Election/Observe',
];

export type CaseKind = keyof typeof kinds;

/** Bytes of one case on a connection whose next stream is `stream`; what follows may be taken for a part of it. */
export function makeCase(kind: CaseKind, stream: number, random: RandomStream): Buffer {
  return kinds[kind](stream, random);
}

const kinds = {
  /** A call as it should be, in pieces of any size. */
  call: (stream: number, random: RandomStream) => callOf(stream, pick(methods, random), random, (bytes) => bytes),
  /** The message is damaged. */
  protobuf: (stream: number, random: RandomStream) => {
    return callOf(stream, pick(methods, random), random, (bytes) => damaged(bytes, random));
  },
  /** A stream of messages, some of them damaged. */
  streaming: (stream: number, random: RandomStream) => {
    const messages = Array.from({ length: random.int(4) }, () => {
      const bytes = Buffer.from(random.bytes(random.int(40)));
      return frame(frameTypes.data, 0, stream, grpcMessage(bytes));
    });
    return Buffer.concat([headersFrame(stream, grpcRequest(pick(streams, random))), ...messages, ...endOf(stream, random)]);
  },
  /** The header block is damaged. */
  headers: (stream: number, random: RandomStream) => {
    const block = damaged(encodeHeaders(grpcRequest(pick(methods, random).path)), random);
    const at = random.int(block.length + 1);
    if (random.int(2) === 0) return frame(frameTypes.headers, flags.endHeaders | random.int(2), stream, block);
    return Buffer.concat([
      frame(frameTypes.headers, random.int(2), stream, block.subarray(0, at)),
      frame(frameTypes.continuation, flags.endHeaders, stream, block.subarray(at)),
    ]);
  },
  /** Representations of HPACK one after the other, whatever they say. */
  hpack: (stream: number, random: RandomStream) => {
    const parts = Array.from({ length: 1 + random.int(12) }, () => representation(random));
    return frame(frameTypes.headers, flags.endHeaders | random.int(2), stream, Buffer.concat(parts));
  },
  /** A frame of any type, flags, stream and length. */
  frame: (stream: number, random: RandomStream) => {
    const type = random.int(8) === 0 ? random.int(256) : random.int(10);
    const id = pick([0, stream, Math.max(stream - 2, 0), stream + random.int(9), random.int(2 ** 31)], random);
    const payload = random.int(3) === 0 ? Buffer.from(random.bytes(random.int(64))) : sensible(type, random);
    return frame(type, random.int(4) === 0 ? random.int(256) : pick([0, 1, 4, 5, 8, 0x20], random), id, payload);
  },
  /** Bytes. */
  noise: (_stream: number, random: RandomStream) => Buffer.from(random.bytes(1 + random.int(60))),
};

export const caseKinds = Object.keys(kinds) as readonly CaseKind[];

function callOf(
  stream: number,
  { path, request }: ApiMethod<Schema, Schema>,
  random: RandomStream,
  change: (bytes: Buffer) => Buffer,
): Buffer {
  const content = grpcMessage(change(encode(request, messageOf(request, random, 3) as never)));
  const head = Buffer.from(content);
  // The length or the flag of the message may lie, too.
  if (random.int(20) === 0) head[random.int(5)] = random.int(256);
  const at = random.int(head.length + 1);
  return Buffer.concat([
    headersFrame(
      stream,
      grpcRequest(
        path,
        random.int(10) === 0
          ? [
              ['hasleader', 'true'],
              ['token', random.suffix(8)],
            ]
          : [],
      ),
    ),
    frame(frameTypes.data, 0, stream, head.subarray(0, at)),
    frame(frameTypes.data, random.int(10) === 0 ? 0 : flags.endStream, stream, head.subarray(at)),
    ...(random.int(8) === 0 ? endOf(stream, random) : []),
  ]);
}

function endOf(stream: number, random: RandomStream): Buffer[] {
  return random.int(3) === 0 ? [] : [frame(frameTypes.reset, 0, stream, uint32(random.int(14)))];
}

/** Content of the right length for its type. */
function sensible(type: number, random: RandomStream): Buffer {
  switch (type) {
    case frameTypes.settings: {
      const setting = Buffer.alloc(6);
      setting.writeUInt16BE(random.int(8));
      setting.writeUInt32BE(pick([0, 1, 16_384, 65_535, 2 ** 31 - 1, random.int(2 ** 31)], random), 2);
      return setting;
    }
    case frameTypes.windowUpdate:
    case frameTypes.reset:
      return uint32(pick([0, 1, 100, 2 ** 31 - 1], random));
    case frameTypes.ping:
      return Buffer.alloc(8);
    case frameTypes.priority:
      return Buffer.from(random.bytes(5));
    case frameTypes.headers:
      return encodeHeaders(grpcRequest(pick(methods, random).path));
    default:
      return Buffer.from(random.bytes(random.int(30)));
  }
}

function representation(random: RandomStream): Buffer {
  const text = () => {
    const bytes = Buffer.from(random.bytes(random.int(12)));
    return Buffer.concat([Buffer.from([bytes.length | (random.int(2) << 7)]), bytes]);
  };
  switch (random.int(5)) {
    case 0:
      return Buffer.from([0x80 | random.int(0x48)]);
    case 1:
      return Buffer.concat([Buffer.from([0x40 | random.int(0x40)]), text(), text()]);
    case 2:
      return Buffer.concat([Buffer.from([random.int(0x20)]), text(), text()]);
    case 3:
      return Buffer.from([0x20 | random.int(0x20), random.int(256)]);
    default:
      return encodeHeaders(grpcRequest(pick(methods, random).path));
  }
}

function damaged(bytes: Buffer, random: RandomStream): Buffer {
  let result = Buffer.from(bytes);
  for (let i = 1 + random.int(3); i > 0; i--) {
    const at = random.int(result.length + 1);
    const kind = random.int(4);
    if (kind === 0 && result.length > 0) result[at % result.length] = random.int(256);
    else if (kind === 1)
      result = Buffer.concat([result.subarray(0, at), Buffer.from(random.bytes(1 + random.int(6))), result.subarray(at)]);
    else if (kind === 2) result = result.subarray(0, at);
    else result = Buffer.concat([result.subarray(0, at), result.subarray(Math.max(at - 5, 0))]);
  }
  return result;
}

/** Any message of a schema; `depth` levels of messages in it. Keys are few, so that requests meet. */
function messageOf(schema: Schema, random: RandomStream, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema)) {
    if (random.int(2) === 0) continue;
    result[name] = field.repeated
      ? Array.from({ length: random.int(3) }, () => anyValue(field, random, depth)).filter((value) => value !== undefined)
      : anyValue(field, random, depth);
  }
  return result;
}

function anyValue({ kind, schema }: Field<unknown>, random: RandomStream, depth: number): unknown {
  switch (kind) {
    case 'bytes':
      return Buffer.from(random.bytes(random.int(20)));
    case 'key':
    case 'string':
      return pick(['', 'a', 'b', 'root', '\0', random.suffix(3)], random);
    case 'bool':
      return random.int(2) === 0;
    case 'int':
      return pick([0, 1, 2, 3, -1, 5000, 2 ** 31, random.int(2 ** 31)], random);
    case 'int64':
    case 'uint64':
      return BigInt(pick([0, 1, 2, 7, random.int(2 ** 31)], random));
    case 'message':
      return depth === 0 || schema === undefined ? undefined : messageOf(schema, random, depth - 1);
  }
}

function pick<T>(list: readonly T[], random: RandomStream): T {
  return list[random.int(list.length)] as T;
}
