// Reading the log back: what a member knows after a crash.
import type { Disk } from '@drydock/foundation/disk.ts';
import { emptyConf } from 'raft-ts/config-codec.ts';
import type { Entry, HardState, SnapshotMeta } from 'raft-ts/types.ts';
import { WireError } from 'raft-ts/wire.ts';
import { damaged, WalError } from './errors.ts';
import { type Frame, readFrame, syncedByRecordsAfter } from './frame.ts';
import { decodeRecord, type SegmentHead, type WalRecord } from './record.ts';
import { parseSegmentName, type SegmentName, segmentName } from './segment-name.ts';

/** Everything that the log says. */
export interface Recovered {
  readonly metadata: Uint8Array;
  readonly snapshot: SnapshotMeta;
  readonly hardState: HardState;
  /** After `snapshot.index`, without gaps. */
  readonly entries: readonly Entry[];
  /** Bytes of a batch that a crash tore, and that nobody was promised. */
  readonly tornBytes: number;
  readonly segments: readonly SegmentName[];
  /** Where writing goes on, in the last segment. */
  readonly end: { readonly offset: number; readonly crc: number };
}

/** What finds records in bytes. */
export interface FrameReader {
  readonly readFrame: typeof readFrame;
  readonly syncedByRecordsAfter: typeof syncedByRecordsAfter;
}

const frameReader: FrameReader = { readFrame, syncedByRecordsAfter };

/** Reads all segments. Throws WalError ('missing', 'damaged'). `reader` is for a fuzz that must notice a wrong one. */
export async function recover(disk: Disk, folder: string, reader = frameReader): Promise<Recovered> {
  const segments = (await disk.list(folder)).map(parseSegmentName).filter((name) => name !== undefined);
  if (segments.length === 0) throw new WalError('missing', `no write-ahead log in ${folder}`);
  const replay = new Replay();
  let tornBytes = 0;
  for (const [i, segment] of segments.entries()) {
    const previous = segments[i - 1];
    if (previous !== undefined && segment.sequence !== previous.sequence + 1) {
      throw damaged(segment.file, `the segment after number ${previous.sequence} is missing`);
    }
    const bytes = await readWhole(disk, `${folder}/${segment.file}`);
    tornBytes = readSegment(replay, segment, bytes, i === segments.length - 1, reader);
  }
  const result = replay.result();
  const [first] = segments;
  if (first !== undefined && first.firstIndex > result.snapshot.index + 1) {
    throw damaged(first.file, `it starts at entry ${first.firstIndex}, but the snapshot ends at ${result.snapshot.index}`);
  }
  return { ...result, tornBytes, segments, end: replay.end };
}

/** What the server wrote into the segments' heads; undefined where there is no log. Throws WalError ('damaged'). */
export async function readWalMetadata(disk: Disk, folder: string): Promise<Uint8Array | undefined> {
  const segment = (await disk.list(folder)).map(parseSegmentName).findLast((name) => name !== undefined);
  if (segment === undefined) return undefined;
  const file = await disk.open(`${folder}/${segment.file}`, 'read');
  try {
    const frame = readFrame(await file.read(0, headBytesMax), 0);
    const record = typeof frame === 'string' ? undefined : decodeRecord(frame.payload);
    if (record?.kind !== 'segment') throw damaged(segment.file, 'it has no head');
    return record.head.metadata;
  } finally {
    await file.close();
  }
}

/** More than the first record of a segment has. */
const headBytesMax = 4096;

async function readWhole(disk: Disk, name: string): Promise<Uint8Array> {
  const file = await disk.open(name, 'read');
  try {
    return await file.read(0, await file.size());
  } finally {
    await file.close();
  }
}

/** What a segment starts with: its head, the hard state and the snapshot mark. */
export const headRecords = 3;

/** Replays one segment; returns the bytes of a torn tail, which only the last one may have. */
function readSegment(replay: Replay, segment: SegmentName, bytes: Uint8Array, last: boolean, reader: FrameReader): number {
  let at = 0;
  for (let count = 0; ; count++) {
    const frame = reader.readFrame(bytes, at);
    const broken = typeof frame === 'string' || (replay.begun && frame.previous !== replay.end.crc);
    if (!broken) {
      replay.take(frame, segment.file, at);
      at = frame.end;
      continue;
    }
    // They were durable before the segment got its name.
    if (count < headRecords) throw damaged(segment.file, count === 0 ? 'it has no head' : 'its head is not whole');
    if (!last) {
      if (frame === 'end') return 0;
      throw damaged(segment.file, `the record at byte ${at} does not match its checksum`);
    }
    refuseDamage(segment, bytes, at, reader);
    return frame === 'end' ? 0 : tornLength(bytes, at);
  }
}

/**
 * At the end of the last segment: zeros or a torn batch are what a crash leaves. But where a whole record follows that was written
 * when this place was durable, it is damage.
 */
function refuseDamage(segment: SegmentName, bytes: Uint8Array, at: number, reader: FrameReader): void {
  if (reader.syncedByRecordsAfter(bytes, at) > at) {
    throw damaged(
      segment.file,
      `the record at byte ${at} does not match its checksum, but later ones were written after it was durable`,
    );
  }
}

function tornLength(bytes: Uint8Array, at: number): number {
  let end = bytes.length;
  while (end > at && bytes[end - 1] === 0) end--;
  return end - at;
}

/** Collects the records of all segments. */
class Replay {
  end = { offset: 0, crc: 0 };
  /** Whether a record has been read: the next one must follow it. */
  begun = false;
  #head: SegmentHead | undefined;
  #hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  #snapshot: SnapshotMeta = { index: 0, term: 0, conf: emptyConf };
  #entries: Entry[] = [];

  take(frame: Frame, file: string, at: number): void {
    this.end = { offset: frame.end, crc: frame.crc };
    this.begun = true;
    let record: WalRecord | undefined;
    try {
      record = decodeRecord(frame.payload);
    } catch (error) {
      if (error instanceof WireError) throw damaged(file, `the record at byte ${at}: ${error.message}`);
      throw error;
    }
    if (record === undefined) throw damaged(file, `the record at byte ${at} is of a kind that this version does not know`);
    if ((at === 0) !== (record.kind === 'segment')) throw damaged(file, `a ${record.kind} record at byte ${at}`);
    switch (record.kind) {
      case 'segment':
        if (segmentName(record.head.sequence, record.head.firstIndex).file !== file) {
          throw damaged(file, `its head is that of segment ${record.head.sequence} from entry ${record.head.firstIndex}`);
        }
        this.#head = record.head;
        return;
      case 'hardState':
        this.#hardState = record.hardState;
        return;
      case 'snapshot':
        if (record.mark.meta.index < this.#snapshot.index) return;
        this.#snapshot = record.mark.meta;
        // What came after that place was of a log that the cluster has given up, as `RaftLog.restore` did.
        if (record.mark.installed) this.#entries = [];
        return;
      case 'entry':
        this.#takeEntry(record.entry, file, at);
    }
  }

  /** An entry replaces everything from its index on. */
  #takeEntry(entry: Entry, file: string, at: number): void {
    const first = this.#entries[0]?.index ?? entry.index;
    const position = entry.index - first;
    if (position > this.#entries.length) {
      throw damaged(
        file,
        `the record at byte ${at} is entry ${entry.index}, but the last was ${first + this.#entries.length - 1}`,
      );
    }
    if (position < 0) this.#entries = [];
    this.#entries.length = Math.max(0, position);
    this.#entries.push(entry);
  }

  result(): Pick<Recovered, 'metadata' | 'snapshot' | 'hardState' | 'entries'> {
    const entries = this.#entries.filter((entry) => entry.index > this.#snapshot.index);
    const first = entries[0];
    if (first !== undefined && first.index !== this.#snapshot.index + 1) {
      throw damaged('the first segment', `entries start at ${first.index}, but the snapshot ends at ${this.#snapshot.index}`);
    }
    const commit = Math.max(this.#hardState.commit, this.#snapshot.index);
    const last = entries.at(-1)?.index ?? this.#snapshot.index;
    if (commit > last) throw damaged('the last segment', `it ends at entry ${last}, but ${commit} was committed`);
    return {
      metadata: this.#head?.metadata ?? new Uint8Array(0),
      snapshot: this.#snapshot,
      hardState: { ...this.#hardState, commit },
      // Copies: views would keep whole segments in memory.
      entries: entries.map((entry) => ({ ...entry, data: entry.data.slice() })),
    };
  }
}
