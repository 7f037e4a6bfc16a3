// A log that was written by the real writer, the bytes it left, and what it must say after each of its records: by a model that
// knows nothing of bytes.
import { MemoryDisk } from '@drydock/foundation/memory-disk.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Entry, HardState, SnapshotMeta } from 'raft-ts/types.ts';
import { readFrame } from '../frame.ts';
import { decodeRecord } from '../record.ts';
import { headRecords, type Recovered } from '../recover.ts';
import { createWal } from '../wal.ts';

export const folder = 'wal';
export const segmentBytes = 2048;
const metadata = Buffer.from('cluster 1 member 2');
const savesMin = 20;
const savesMore = 60;

export type Image = ReadonlyMap<string, Uint8Array>;

/** One record where it lies, and how many records of the history anybody who finds it whole must also have. */
export interface PlacedFrame {
  readonly file: string;
  readonly from: number;
  readonly to: number;
  readonly needs: number;
}

export interface History {
  readonly image: Image;
  readonly frames: readonly PlacedFrame[];
  readonly records: number;
  /** From what the log says to how many records have been read then, at most. */
  readonly states: ReadonlyMap<string, number>;
}

/** What a log says, as text that can be compared. */
export function describe(state: Pick<Recovered, 'metadata' | 'snapshot' | 'hardState' | 'entries'>): string {
  const { term, vote, commit } = state.hardState;
  const entries = state.entries.map(({ index, term: of, type, data }) => `${index} ${of} ${type} ${hex(data)}`);
  const { snapshot } = state;
  const voters = snapshot.conf.voters.join();
  return [hex(state.metadata), `${snapshot.index} ${snapshot.term} ${voters}`, `${term} ${vote} ${commit}`, ...entries].join(
    '\n',
  );
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

/** Follows what is saved, record by record. */
class Model {
  entries: Entry[] = [];
  hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  snapshot: SnapshotMeta = { index: 0, term: 0, conf: noConf };
  readonly states = new Map<string, number>();
  records = 0;

  constructor() {
    this.#note();
  }

  entry(entry: Entry): void {
    this.entries = [...this.entries.filter(({ index }) => index < entry.index), entry];
    this.#record();
  }

  hard(hardState: HardState): void {
    this.hardState = hardState;
    this.#record();
  }

  mark(meta: SnapshotMeta, installed: boolean): void {
    this.snapshot = meta;
    if (installed) this.entries = [];
    this.#record();
  }

  /** Term and vote, then entries; what is committed is said where it is there, and after each change of membership anew. */
  save({ term, vote, commit }: HardState, entries: readonly Entry[]): void {
    const before = (entries[0]?.index ?? Number.POSITIVE_INFINITY) - 1;
    this.hard({ term, vote, commit: Math.min(before, commit) });
    for (const entry of entries) {
      this.entry(entry);
      const says = entry.index === commit || (entry.type === 'configChange' && entry.index < commit);
      if (says && before < commit) this.hard({ term, vote, commit: entry.index });
    }
  }

  get lastIndex(): number {
    return this.entries.at(-1)?.index ?? this.snapshot.index;
  }

  #record(): void {
    this.records++;
    this.#note();
  }

  #note(): void {
    const { snapshot, hardState } = this;
    const said = {
      metadata,
      snapshot,
      hardState: { ...hardState, commit: Math.max(hardState.commit, snapshot.index) },
      entries: this.entries.filter(({ index }) => index > snapshot.index),
    };
    this.states.set(describe(said), this.records);
  }
}

const noConf = { voters: [], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
const conf = { ...noConf, voters: [1n, 2n, 3n] };

/** Saves entries that replace each other now and then, hard states and snapshot marks, with and without a sync. */
export async function makeHistory(random: RandomStream): Promise<History> {
  const disk = new MemoryDisk();
  const wal = await createWal({ disk, folder, segmentBytes }, metadata);
  const model = new Model();
  let term = 1;
  const saves = savesMin + random.int(savesMore);
  for (let i = 0; i < saves; i++) {
    if (random.int(8) === 0) term++;
    const back = random.int(6) === 0 ? random.int(3) : 0;
    const known = Math.max(model.hardState.commit, model.snapshot.index);
    const first = Math.max(model.lastIndex + 1 - back, known + 1);
    const entries = Array.from({ length: random.int(4) }, (_, k): Entry => {
      const type = random.int(4) === 0 ? 'configChange' : 'normal';
      return { index: first + k, term, type, data: random.bytes(random.int(120)) };
    });
    const commit = known + random.int(first + entries.length - known);
    const hardState = { term, vote: BigInt(random.int(4)), commit };
    const withHard = random.int(2) === 0;
    await wal.save(withHard ? hardState : undefined, entries, random.int(3) > 0);
    if (withHard) model.save(hardState, entries);
    else for (const entry of entries) model.entry(entry);
    if (random.int(12) === 0 && model.lastIndex > model.snapshot.index) {
      const installed = random.int(3) === 0;
      // The leader's snapshot is news, or it is not installed.
      const after = installed ? Math.max(model.snapshot.index, model.hardState.commit) : model.snapshot.index;
      const index = after + 1 + random.int(installed ? 9 : model.lastIndex - after);
      const meta = { index, term, conf };
      const vote = BigInt(random.int(4));
      if (installed) model.hard({ term, vote, commit: model.hardState.commit });
      await wal.saveSnapshot(meta, installed, installed ? { term, vote, commit: index } : undefined);
      model.mark(meta, installed);
      if (random.int(2) === 0) await wal.release();
    }
  }
  await wal.close();
  const image = await readImage(disk);
  const { frames, records } = placeFrames(image);
  // Records whose segments were released are in the states, but not in the files.
  const released = model.records - records;
  return {
    image,
    frames: frames.map((frame) => ({ ...frame, needs: frame.needs + released })),
    records: model.records,
    states: model.states,
  };
}

export async function readImage(disk: MemoryDisk): Promise<Map<string, Uint8Array>> {
  const image = new Map<string, Uint8Array>();
  for (const name of await disk.list(folder)) {
    if (!name.endsWith('.wal')) continue;
    const file = await disk.open(`${folder}/${name}`, 'read');
    image.set(name, await file.read(0, await file.size()));
  }
  return image;
}

export async function diskOf(image: Image): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.makeFolder(folder);
  for (const [name, bytes] of image) await disk.writeAtomic(`${folder}/${name}`, bytes);
  return disk;
}

function placeFrames(image: Image): { frames: PlacedFrame[]; records: number } {
  const frames: PlacedFrame[] = [];
  let records = 0;
  for (const [file, bytes] of image) {
    const before = records;
    /** Ends of the segment's own records. */
    const ends: number[] = [];
    let at = 0;
    for (let number = 0; ; number++) {
      const frame = readFrame(bytes, at);
      if (typeof frame === 'string' || decodeRecord(frame.payload) === undefined) break;
      if (number >= headRecords) ends.push(frame.end);
      const { synced } = frame;
      frames.push({ file, from: at, to: frame.end, needs: before + ends.filter((end) => end <= synced).length });
      at = frame.end;
    }
    records += ends.length;
  }
  return { frames, records };
}
