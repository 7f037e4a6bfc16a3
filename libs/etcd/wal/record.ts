// What the log records: the first byte of a payload says which kind, the rest is its protobuf encoding.
import {
  readEntry,
  readHardState,
  readSnapshotMeta,
  writeEntry,
  writeHardState,
  writeSnapshotMeta,
} from 'raft-ts/entry-codec.ts';
import type { Entry, HardState, LogIndex, SnapshotMeta } from 'raft-ts/types.ts';
import { WireReader, WireWriter } from 'raft-ts/wire.ts';

/** Starts every segment. `metadata` is the server's (cluster and member id), the same in all of them. */
export interface SegmentHead {
  readonly sequence: number;
  /** Of the first entry that may follow; every entry of earlier segments is below it. */
  readonly firstIndex: LogIndex;
  readonly metadata: Uint8Array;
}

/**
 * The state machine has everything up to `meta.index`, durably: entries up to there are needed no more. `installed`: it came from the
 * leader, and the log before it is void.
 */
export interface SnapshotMark {
  readonly meta: SnapshotMeta;
  readonly installed: boolean;
}

export type WalRecord =
  | { readonly kind: 'segment'; readonly head: SegmentHead }
  | { readonly kind: 'hardState'; readonly hardState: HardState }
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'snapshot'; readonly mark: SnapshotMark };

/** The codes on disk; the format's version is in the segment's code. */
const codes = { segment: 0x11, hardState: 2, entry: 3, snapshot: 4 } as const;

const shared = new WireWriter();

export function encodeRecord(record: WalRecord): Uint8Array {
  const writer = shared.restart();
  writer.byte(codes[record.kind]);
  if (record.kind === 'segment') {
    writer.uint(1, record.head.sequence);
    writer.uint(2, record.head.firstIndex);
    writer.bytes(3, record.head.metadata);
  } else if (record.kind === 'hardState') {
    writeHardState(writer, record.hardState);
  } else if (record.kind === 'entry') {
    writeEntry(writer, record.entry);
  } else {
    writer.message(1, (w) => writeSnapshotMeta(w, record.mark.meta));
    writer.bool(2, record.mark.installed);
  }
  return writer.finish();
}

/** Undefined for a kind that this version does not know. Throws WireError. */
export function decodeRecord(payload: Uint8Array): WalRecord | undefined {
  const reader = new WireReader(payload, 1);
  switch (payload[0]) {
    case codes.segment:
      return { kind: 'segment', head: readHead(reader) };
    case codes.hardState:
      return { kind: 'hardState', hardState: readHardState(reader) };
    case codes.entry:
      return { kind: 'entry', entry: readEntry(reader) };
    case codes.snapshot:
      return { kind: 'snapshot', mark: readMark(reader) };
    default:
      return undefined;
  }
}

function readHead(reader: WireReader): SegmentHead {
  let sequence = 0;
  let firstIndex = 0;
  let metadata: Uint8Array = new Uint8Array(0);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) sequence = reader.uint();
    else if (field === 2) firstIndex = reader.uint();
    else if (field === 3) metadata = reader.bytes();
    else reader.skip();
  }
  return { sequence, firstIndex, metadata };
}

function readMark(reader: WireReader): SnapshotMark {
  let meta = readSnapshotMeta(new WireReader(new Uint8Array(0)));
  let installed = false;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) meta = readSnapshotMeta(reader.message());
    else if (field === 2) installed = reader.bool();
    else reader.skip();
  }
  return { meta, installed };
}
