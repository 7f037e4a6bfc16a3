// The write-ahead log: the only path to durability. Records are appended to preallocated segments; everything that waits is
// written at once and synced once (group commit). After an error it takes nothing more: only opening it again tells what is there.
import type { Disk, DiskFile } from '@drydock/foundation/disk.ts';
import { emptyConf } from 'raft-ts/config-codec.ts';
import type { Entry, HardState, LogIndex, SnapshotMeta } from 'raft-ts/types.ts';
import { recordsOf, recordsOfMark } from './batch.ts';
import { diskFailure, WalError } from './errors.ts';
import { frameBytes, writeFrame } from './frame.ts';
import { encodeRecord, type SnapshotMark, type WalRecord } from './record.ts';
import { type Recovered, recover } from './recover.ts';
import { parseSegmentName, type SegmentName, segmentName } from './segment-name.ts';

/** Size to which segments are preallocated (etcd: 64 MiB; Node must write the zeros, so smaller ones cost less at a time). */
export const segmentBytesDefault = 16 << 20;
/** The next segment is prepared when this part of the current one is used. */
const prepareAt = 0.5;

export interface WalOptions {
  readonly disk: Disk;
  /** Relative to the disk; made where it is missing. */
  readonly folder: string;
  readonly segmentBytes?: number;
}

interface Waiting {
  readonly records: readonly WalRecord[];
  readonly sync: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Whether a log is there. */
export async function walExists(disk: Disk, folder: string): Promise<boolean> {
  return (await disk.list(folder)).some((file) => parseSegmentName(file) !== undefined);
}

/** What a log begins with: it is there with the log, or neither is. */
export interface WalStart {
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
}

/** Makes a log, durably, in one step. Throws WalError ('exists', 'noSpace', 'failed'). */
export async function createWal(options: WalOptions, metadata: Uint8Array, start?: WalStart): Promise<Wal> {
  const { disk, folder } = options;
  if (await walExists(disk, folder)) throw new WalError('exists', `there is a write-ahead log in ${folder} already`);
  try {
    await disk.makeFolder(folder);
  } catch (error) {
    throw diskFailure(`cannot make ${folder}`, error);
  }
  const wal = new Wal(options, metadata);
  await wal.start(start);
  return wal;
}

/** Opens a log, cuts off a torn tail, and says what is in it. Throws WalError ('missing', 'damaged', 'noSpace', 'failed'). */
export async function openWal(options: WalOptions): Promise<{ wal: Wal; recovered: Recovered }> {
  const recovered = await recover(options.disk, options.folder);
  const wal = new Wal(options, recovered.metadata);
  await wal.resume(recovered);
  return { wal, recovered };
}

export class Wal {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #segmentBytes: number;
  readonly #metadata: Uint8Array;
  #segments: SegmentName[] = [];
  #file: DiskFile | undefined;
  #offset = 0;
  #crc = 0;
  /** Bytes of the segment that are durable. */
  #synced = 0;
  /** Repeated at the head of every segment, so that older ones can go. */
  #hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  #mark: SnapshotMark = { meta: { index: 0, term: 0, conf: emptyConf }, installed: false };
  #lastIndex: LogIndex = 0;
  #next: Promise<DiskFile> | undefined;
  #queue: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #failure: WalError | undefined;

  /** Use createWal or openWal. */
  constructor(options: WalOptions, metadata: Uint8Array) {
    this.#disk = options.disk;
    this.#folder = options.folder;
    this.#segmentBytes = options.segmentBytes ?? segmentBytesDefault;
    // A copy: what recovery found is a view of a whole segment, which would stay in memory with it.
    this.#metadata = new Uint8Array(metadata);
  }

  async start(start: WalStart | undefined): Promise<void> {
    await this.#guard('cannot create the write-ahead log', async () => {
      await this.#removeTemporary();
      await this.#cut(start === undefined ? [] : recordsOf(start.hardState, start.entries));
    });
  }

  async resume(recovered: Recovered): Promise<void> {
    this.#segments = [...recovered.segments];
    this.#hardState = recovered.hardState;
    this.#mark = { meta: recovered.snapshot, installed: false };
    this.#lastIndex = recovered.entries.at(-1)?.index ?? recovered.snapshot.index;
    await this.#guard('cannot open the write-ahead log', async () => {
      await this.#removeTemporary();
      this.#file = await this.#disk.open(this.#path(this.#segments.at(-1)?.file ?? ''), 'write');
      this.#offset = recovered.end.offset;
      this.#crc = recovered.end.crc;
      // Records of a torn batch must not come back to life: zeros follow what was read, for certain.
      await this.#file.truncate(this.#offset);
      await this.#file.preallocate(Math.max(this.#segmentBytes, this.#offset));
      await this.#file.sync();
      this.#synced = this.#offset;
    });
  }

  /**
   * Appends; the first entry replaces what was there from its index on. With `sync` it is durable on return, and so is everything
   * before it. Calls that wait at the same time share one write and one sync. Rejects with WalError; then the log is unusable.
   */
  save(hardState: HardState | undefined, entries: readonly Entry[], sync: boolean): Promise<void> {
    return this.#enqueue(recordsOf(hardState, entries), sync);
  }

  /**
   * Notes that the state machine has everything up to `meta.index` durably. Term and vote of `hardState` go before it; a commit index
   * beyond the mark is to be saved with the entries that it speaks of. Durable on return.
   */
  saveSnapshot(meta: SnapshotMeta, installed: boolean, hardState?: HardState): Promise<void> {
    return this.#enqueue(recordsOfMark(meta, installed, hardState, this.#hardState.commit), true);
  }

  /** Removes segments that hold only entries up to the last snapshot mark. Returns how many. */
  async release(): Promise<number> {
    let removed = 0;
    while ((this.#segments[1]?.firstIndex ?? Number.POSITIVE_INFINITY) <= this.#mark.meta.index + 1) {
      const oldest = this.#segments.shift();
      if (oldest === undefined) break;
      await this.#guard('cannot remove an old segment', () => this.#disk.remove(this.#path(oldest.file)));
      removed++;
    }
    return removed;
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  async close(): Promise<void> {
    this.#failure ??= new WalError('failed', 'the write-ahead log is closed');
    await this.#flushing;
    const next = await this.#next?.catch(() => undefined);
    await next?.close();
    await this.#file?.close();
    this.#file = undefined;
  }

  #enqueue(records: readonly WalRecord[], sync: boolean): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#queue.push({ records, sync, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  async #flush(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        await this.#write(batch);
        for (const waiting of batch) waiting.resolve();
      } catch (error) {
        this.#failure = error instanceof WalError ? error : diskFailure('cannot write the write-ahead log', error);
        for (const waiting of [...batch, ...this.#queue]) waiting.reject(this.#failure);
        this.#queue = [];
      }
    }
    this.#flushing = undefined;
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const records = batch.flatMap((waiting) => waiting.records);
    const payloads = records.map(encodeRecord);
    const size = payloads.reduce((sum, payload) => sum + frameBytes(payload.length), 0);
    if (this.#offset + size > this.#segmentBytes) await this.#cut();
    await this.#append(
      payloads,
      size,
      batch.some((waiting) => waiting.sync),
    );
    for (const record of records) this.#remember(record);
    if (this.#offset > this.#segmentBytes * prepareAt && this.#next === undefined) {
      this.#next = this.#prepare();
      // A full disk shows where the segment is needed, in #cut.
      this.#next.catch(() => undefined);
    }
  }

  async #append(payloads: readonly Uint8Array[], size: number, sync: boolean): Promise<void> {
    const buffer = new Uint8Array(size);
    let at = 0;
    for (const payload of payloads) {
      this.#crc = writeFrame(buffer, at, payload, this.#crc, this.#synced);
      at += frameBytes(payload.length);
    }
    const from = this.#offset;
    this.#offset += size;
    const file = this.#file;
    if (sync && from === this.#synced && file?.writeDurably !== undefined) {
      await file.writeDurably(buffer, from);
      this.#synced = this.#offset;
      return;
    }
    await file?.write(buffer, from);
    if (sync) await this.#sync();
  }

  async #sync(): Promise<void> {
    const written = this.#offset;
    await this.#file?.sync();
    this.#synced = written;
  }

  #remember(record: WalRecord): void {
    if (record.kind === 'hardState') this.#hardState = record.hardState;
    else if (record.kind === 'entry') this.#lastIndex = record.entry.index;
    else if (record.kind === 'snapshot') {
      this.#mark = record.mark;
      if (record.mark.installed) this.#lastIndex = record.mark.meta.index;
    }
  }

  /** Closes the current segment, durably, and goes on in a new one that starts with all that older ones must not be needed for. */
  async #cut(first: readonly WalRecord[] = []): Promise<void> {
    if (this.#file !== undefined) {
      await this.#sync();
      await this.#file.close();
    }
    const file = await (this.#next ?? this.#prepare());
    this.#next = undefined;
    this.#file = file;
    this.#offset = 0;
    this.#synced = 0;
    const name = segmentName((this.#segments.at(-1)?.sequence ?? -1) + 1, this.#lastIndex + 1);
    const head = { sequence: name.sequence, firstIndex: name.firstIndex, metadata: this.#metadata };
    const records: readonly WalRecord[] = [
      { kind: 'segment', head },
      { kind: 'hardState', hardState: this.#hardState },
      // It was installed once, in the segment where that happened.
      { kind: 'snapshot', mark: { ...this.#mark, installed: false } },
      ...first,
    ];
    const payloads = records.map(encodeRecord);
    await this.#append(
      payloads,
      payloads.reduce((sum, payload) => sum + frameBytes(payload.length), 0),
      true,
    );
    await this.#disk.rename(this.#path(temporaryName), this.#path(name.file));
    this.#segments.push(name);
    for (const record of first) this.#remember(record);
  }

  async #prepare(): Promise<DiskFile> {
    const file = await this.#disk.open(this.#path(temporaryName), 'create');
    await file.truncate(0);
    await file.preallocate(this.#segmentBytes);
    return file;
  }

  async #removeTemporary(): Promise<void> {
    if ((await this.#disk.list(this.#folder)).includes(temporaryName)) await this.#disk.remove(this.#path(temporaryName));
  }

  #path(file: string): string {
    return `${this.#folder}/${file}`;
  }

  async #guard<T>(doing: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      this.#failure = error instanceof WalError ? error : diskFailure(doing, error);
      throw this.#failure;
    }
  }
}

const temporaryName = 'next.tmp';
