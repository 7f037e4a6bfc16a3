// Raft's messages as protobuf (drydock.raft.v1.Message), by hand: they pass through gRPC as bytes.
import { emptyConf } from 'raft-ts/config-codec.ts';
import { readEntry, readSnapshotMeta, writeEntry, writeSnapshotMeta } from 'raft-ts/entry-codec.ts';
import type { Entry, Message, SnapshotMeta } from 'raft-ts/types.ts';
import { WireError, WireReader, WireWriter } from 'raft-ts/wire.ts';

/** In the order of the numbers of MessageType. */
const typeNames: readonly (Message['type'] | undefined)[] = [
  undefined,
  'appendRequest',
  'appendResponse',
  'voteRequest',
  'voteResponse',
  'preVoteRequest',
  'preVoteResponse',
  'heartbeatRequest',
  'heartbeatResponse',
  'snapshotRequest',
  'timeoutNow',
  'proposeForward',
  'readIndexForward',
  'readIndexResponse',
  'transferForward',
];

/** Every field of the message on the wire; those that a type does not use stay at their zero value. */
interface Flat {
  index: number;
  logTerm: number;
  entries: readonly Entry[];
  commit: number;
  commitTerm: number;
  reject: boolean;
  hintIndex: number;
  hintTerm: number;
  transfer: boolean;
  readSequence: number;
  context: bigint;
  transferee: bigint;
  snapshot: SnapshotMeta | undefined;
  snapshotData: Uint8Array;
}

const nothing = new Uint8Array(0);

const zero: Flat = {
  index: 0,
  logTerm: 0,
  entries: [],
  commit: 0,
  commitTerm: 0,
  reject: false,
  hintIndex: 0,
  hintTerm: 0,
  transfer: false,
  readSequence: 0,
  context: 0n,
  transferee: 0n,
  snapshot: undefined,
  snapshotData: nothing,
};

function flatten(message: Message): Partial<Flat> {
  switch (message.type) {
    case 'appendRequest':
      return { index: message.prevIndex, logTerm: message.prevTerm, entries: message.entries, commit: message.commit };
    case 'voteRequest':
    case 'preVoteRequest':
      return { index: message.lastIndex, logTerm: message.lastTerm, transfer: message.transfer };
    case 'snapshotRequest':
      return { snapshot: message.snapshot.meta, snapshotData: message.snapshot.data };
    case 'proposeForward':
      return { entries: message.entries.map(({ type, data }) => ({ type, data, term: 0, index: 0 })) };
    case 'timeoutNow':
      return {};
    default:
      return message;
  }
}

export function writeMessage(writer: WireWriter, message: Message): void {
  const flat = flatten(message);
  writer.uint(1, typeNames.indexOf(message.type));
  writer.fixed64(2, message.from);
  writer.fixed64(3, message.to);
  writer.uint(4, message.term);
  writer.uint(5, flat.index ?? 0);
  writer.uint(6, flat.logTerm ?? 0);
  for (const entry of flat.entries ?? []) writer.message(7, (w) => writeEntry(w, entry));
  writer.uint(8, flat.commit ?? 0);
  writer.uint(9, flat.commitTerm ?? 0);
  writer.bool(10, flat.reject ?? false);
  writer.uint(11, flat.hintIndex ?? 0);
  writer.uint(12, flat.hintTerm ?? 0);
  writer.bool(13, flat.transfer ?? false);
  writer.uint(14, flat.readSequence ?? 0);
  writer.fixed64(15, flat.context ?? 0n);
  writer.fixed64(16, flat.transferee ?? 0n);
  const { snapshot } = flat;
  if (snapshot !== undefined) writer.message(17, (w) => writeSnapshotMeta(w, snapshot));
  writer.bytes(18, flat.snapshotData ?? nothing);
}

/** Entries' data are views into the reader's bytes. Throws WireError. */
export function readMessage(reader: WireReader): Message {
  const flat = { ...zero };
  const entries: Entry[] = [];
  const envelope = { from: 0n, to: 0n, term: 0 };
  let type: Message['type'] | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) type = typeNames[reader.uint()];
    else if (field === 2) envelope.from = reader.fixed64();
    else if (field === 3) envelope.to = reader.fixed64();
    else if (field === 4) envelope.term = reader.uint();
    else if (field === 5) flat.index = reader.uint();
    else if (field === 6) flat.logTerm = reader.uint();
    else if (field === 7) entries.push(readEntry(reader.message()));
    else if (field === 8) flat.commit = reader.uint();
    else readRareField(flat, field, reader);
  }
  if (type === undefined) throw new WireError('message of an unknown type');
  return { ...envelope, ...unflatten(type, flat, entries) };
}

function readRareField(flat: Flat, field: number, reader: WireReader): void {
  if (field === 9) flat.commitTerm = reader.uint();
  else if (field === 10) flat.reject = reader.bool();
  else if (field === 11) flat.hintIndex = reader.uint();
  else if (field === 12) flat.hintTerm = reader.uint();
  else if (field === 13) flat.transfer = reader.bool();
  else if (field === 14) flat.readSequence = reader.uint();
  else if (field === 15) flat.context = reader.fixed64();
  else if (field === 16) flat.transferee = reader.fixed64();
  else if (field === 17) flat.snapshot = readSnapshotMeta(reader.message());
  else if (field === 18) flat.snapshotData = reader.bytes();
  else reader.skip();
}

type Body = Message extends infer M ? (M extends Message ? Omit<M, 'from' | 'to' | 'term'> : never) : never;

function unflatten(type: Message['type'], flat: Flat, entries: readonly Entry[]): Body {
  const { index, logTerm, commit, commitTerm, reject, hintIndex, hintTerm, transfer, readSequence, context, transferee } = flat;
  switch (type) {
    case 'appendRequest':
      return { type, prevIndex: index, prevTerm: logTerm, entries, commit };
    case 'appendResponse':
      return { type, index, reject, hintIndex, hintTerm };
    case 'voteRequest':
    case 'preVoteRequest':
      return { type, lastIndex: index, lastTerm: logTerm, transfer };
    case 'voteResponse':
    case 'preVoteResponse':
      return { type, reject, commit, commitTerm };
    case 'heartbeatRequest':
      return { type, commit, readSequence };
    case 'heartbeatResponse':
      return { type, readSequence };
    case 'snapshotRequest':
      return { type, snapshot: { meta: flat.snapshot ?? { index: 0, term: 0, conf: emptyConf }, data: flat.snapshotData } };
    case 'timeoutNow':
      return { type };
    case 'proposeForward':
      return { type, entries: entries.map(({ type: kind, data }) => ({ type: kind, data })) };
    case 'readIndexForward':
      return { type, context };
    case 'readIndexResponse':
      return { type, context, index };
    case 'transferForward':
      return { type, transferee };
  }
}

const shared = new WireWriter();

/** A Batch. */
export function encodeBatch(messages: readonly Message[]): Uint8Array {
  const writer = shared.restart();
  for (const message of messages) writer.message(1, (w) => writeMessage(w, message));
  return writer.finish();
}

/** Throws WireError. */
export function decodeBatch(bytes: Uint8Array): Message[] {
  const messages: Message[] = [];
  const reader = new WireReader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) messages.push(readMessage(reader.message()));
    else reader.skip();
  }
  return messages;
}

export interface SnapshotChunk {
  readonly message: Message | undefined;
  readonly content: Uint8Array;
  readonly totalBytes: number;
  readonly last: boolean;
}

export function encodeSnapshotChunk(chunk: SnapshotChunk): Uint8Array {
  const writer = new WireWriter();
  const { message } = chunk;
  if (message !== undefined) writer.message(1, (w) => writeMessage(w, message));
  writer.bytes(2, chunk.content);
  writer.uint(3, chunk.totalBytes);
  writer.bool(4, chunk.last);
  return writer.finish();
}

/** Throws WireError. */
export function decodeSnapshotChunk(bytes: Uint8Array): SnapshotChunk {
  let message: Message | undefined;
  let content: Uint8Array = nothing;
  let totalBytes = 0;
  let last = false;
  const reader = new WireReader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) message = readMessage(reader.message());
    else if (field === 2) content = reader.bytes();
    else if (field === 3) totalBytes = reader.uint();
    else if (field === 4) last = reader.bool();
    else reader.skip();
  }
  return { message, content, totalBytes, last };
}
