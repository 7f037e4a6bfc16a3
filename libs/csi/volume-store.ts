// The volumes of one node: folders, and a record of each. A folder is there before its record is, and the record until the folder is
// gone, so that a crash at any moment leaves what asking again completes.
import { systemCode } from '@drydock/foundation/beneath/errors.ts';
import type { Disk } from '@drydock/foundation/disk.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { isWithin, type Range, sizeFor } from './capacity.ts';
import { CsiError } from './csi-error.ts';
import { decodeRecord, encodeRecord, isVolumeId, type VolumeRecord, volumeIdOf } from './volume-record.ts';

const recordsFolder = 'records';
const recordBytesMax = 64 * 1024;
/** More folders one node does not have. */
const volumesMax = 10_000;

/** The folders of volumes; names are ids. */
export interface VolumeFolders {
  /** Fine where it is there; durable on return. */
  make(id: string): Promise<void>;
  has(id: string): Promise<boolean>;
  list(): Promise<string[]>;
  /** With all that is in it; fine where there is none. */
  remove(id: string): Promise<void>;
  /** Only where nothing is in it. */
  removeEmpty(id: string): Promise<void>;
  /** Where it is mounted. */
  mountsOf(id: string): Promise<readonly string[]>;
  /** Of the file system that they are on. */
  freeBytes(): Promise<number>;
}

export interface StorePorts {
  readonly disk: Disk;
  readonly folders: VolumeFolders;
  readonly log: Log;
  readonly nodeId: string;
  /** What may be promised to volumes altogether. */
  readonly capacityBytes: number;
}

export class VolumeStore {
  readonly #ports: StorePorts;
  readonly #records = new Map<string, VolumeRecord>();
  /** Whose record cannot be read, or whose folder is not there. They are kept as they are, for people; only deletion ends them. */
  readonly #broken = new Set<string>();
  /** Whose folders are being removed right now. */
  readonly #removing = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  private constructor(ports: StorePorts) {
    this.#ports = ports;
  }

  /** Reads what is there. Rejects where the disk cannot be read at all. */
  static async open(ports: StorePorts): Promise<VolumeStore> {
    const store = new VolumeStore(ports);
    await store.#load();
    return store;
  }

  async #load(): Promise<void> {
    const { disk, folders, log } = this.#ports;
    await disk.makeFolder(recordsFolder);
    const present = new Set(await folders.list());
    const recorded = new Set<string>();
    for (const file of await disk.list(recordsFolder)) {
      const id = file.replace(/\.json$/, '');
      // A write that was not lived to the end of.
      if (file.endsWith('.tmp')) await disk.remove(`${recordsFolder}/${file}`);
      if (file === id || !isVolumeId(id)) continue;
      recorded.add(id);
      const record = await this.#read(id);
      const why = record === undefined ? 'it cannot be read' : present.has(id) || record.isEnding ? '' : 'it has no folder';
      if (why === '' && record !== undefined) this.#records.set(id, record);
      else {
        this.#broken.add(id);
        log.error({ volume: id, why }, 'the record of a volume is set aside');
      }
    }
    for (const id of present) {
      if (!isVolumeId(id) || recorded.has(id)) continue;
      // Of one that was begun and never recorded; where something is in it, it is kept for people to look at.
      await folders.removeEmpty(id).catch((err) => log.error({ err, volume: id }, 'a folder of no volume is left alone'));
    }
  }

  async #read(id: string): Promise<VolumeRecord | undefined> {
    const file = await this.#ports.disk.open(`${recordsFolder}/${id}.json`, 'read');
    try {
      return decodeRecord(id, await file.read(0, recordBytesMax));
    } finally {
      await file.close();
    }
  }

  /** In order of their ids. Those that are being deleted are not there. */
  list(): VolumeRecord[] {
    return [...this.#records.values()].filter(({ isEnding }) => !isEnding).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Throws CsiError NotFound, or Internal where its record is broken. */
  get(id: string): VolumeRecord {
    const record = this.#records.get(id);
    if (record !== undefined && !record.isEnding) return record;
    if (this.#broken.has(id)) throw new CsiError('Internal', `the record of volume ${id} is broken`);
    throw new CsiError('NotFound', `volume ${id} does not exist`);
  }

  /** The one that was made by that name. */
  named(name: string): VolumeRecord | undefined {
    const record = this.#records.get(volumeIdOf(this.#ports.nodeId, name));
    return record?.isEnding === false ? record : undefined;
  }

  /** What can still be promised. */
  async availableBytes(): Promise<number> {
    const promised = [...this.#records.values()].reduce((sum, { capacityBytes }) => sum + capacityBytes, 0);
    return Math.max(0, Math.min(await this.#ports.folders.freeBytes(), this.#ports.capacityBytes - promised));
  }

  /** Works while the volume is there: its deletion begins before or afterwards. Rejects as `get` throws. */
  using<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#inTurn(() => {
      this.get(id);
      return work();
    });
  }

  /** The one of that name, made where it is not there. Throws CsiError. */
  create(name: string, range: Range, isOfPod = false): Promise<VolumeRecord> {
    return this.#inTurn(async () => {
      const { folders, nodeId } = this.#ports;
      const id = volumeIdOf(nodeId, name);
      const present = this.#records.get(id);
      if (present?.isEnding) throw new CsiError('Aborted', `volume ${id} of that name is being deleted`);
      if (this.#broken.has(id)) throw new CsiError('Internal', `the record of volume ${id} is broken`);
      if (present !== undefined) {
        if (present.isOfPod !== isOfPod)
          throw new CsiError('AlreadyExists', `volume ${id} of that name is ${isOfPod ? 'no' : 'a'} pod's own`);
        if (isWithin(present.capacityBytes, range)) return present;
        throw new CsiError('AlreadyExists', `volume ${id} of that name has ${present.capacityBytes} bytes`);
      }
      if (this.#records.size >= volumesMax) throw new CsiError('ResourceExhausted', `this node has ${volumesMax} volumes`);
      const record = { id, name, capacityBytes: sizeFor(range), isEnding: false, isOfPod };
      await this.#checkSpace(record.capacityBytes);
      await folders.make(id);
      await this.#write(record);
      return record;
    });
  }

  /** Promises it so much; it never becomes smaller. Throws CsiError. */
  expand(id: string, range: Range): Promise<VolumeRecord> {
    return this.#inTurn(async () => {
      const present = this.get(id);
      if (present.capacityBytes > range.limit)
        throw new CsiError(
          'OutOfRange',
          `volume ${id} has ${present.capacityBytes} bytes, more than the limit of ${range.limit}`,
        );
      if (present.capacityBytes >= range.required) return present;
      await this.#checkSpace(range.required - present.capacityBytes);
      const record = { ...present, capacityBytes: range.required };
      await this.#write(record);
      return record;
    });
  }

  /**
   * Fine where there is none. A large folder takes its time, in which everything else goes on. Throws CsiError FailedPrecondition
   * where it is mounted, Aborted where it is being deleted already.
   */
  async delete(id: string): Promise<void> {
    const isThere = await this.#inTurn(() => this.#mark(id));
    if (!isThere) return;
    try {
      await this.#ports.folders.remove(id);
      await this.#inTurn(() => this.#forget(id));
    } finally {
      this.#removing.delete(id);
    }
  }

  /** As `delete`, of the one that was made for a pod by that name: what was made otherwise stays, whoever calls it so. */
  async deleteOfPod(name: string): Promise<void> {
    const id = volumeIdOf(this.#ports.nodeId, name);
    if (this.#records.get(id)?.isOfPod !== false) await this.delete(id);
  }

  async #forget(id: string): Promise<void> {
    await this.#ports.disk.remove(`${recordsFolder}/${id}.json`).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
    this.#records.delete(id);
    this.#broken.delete(id);
  }

  /** Whether there is something to be removed; from then on the volume is there for nobody. */
  async #mark(id: string): Promise<boolean> {
    const record = this.#records.get(id);
    const isKnown = record !== undefined || this.#broken.has(id);
    // Without a record: of one whose making failed half way.
    if (!isKnown && !(isVolumeId(id) && (await this.#ports.folders.has(id)))) return false;
    if (this.#removing.has(id)) throw new CsiError('Aborted', `volume ${id} is being deleted`);
    const [mount] = await this.#ports.folders.mountsOf(id);
    if (mount !== undefined) throw new CsiError('FailedPrecondition', `volume ${id} is in use: it is mounted at ${mount}`);
    if (record !== undefined && !record.isEnding) await this.#write({ ...record, isEnding: true });
    this.#removing.add(id);
    return true;
  }

  /** Durable on return. Where it fails, it may be there after the next start all the same: asking again leads to the same then. */
  async #write(record: VolumeRecord): Promise<void> {
    await this.#ports.disk.writeAtomic(`${recordsFolder}/${record.id}.json`, encodeRecord(record));
    this.#records.set(record.id, record);
  }

  async #checkSpace(bytes: number): Promise<void> {
    const available = await this.availableBytes();
    if (bytes > available)
      throw new CsiError('ResourceExhausted', `not enough space: ${bytes} bytes are asked for, ${available} can be given`);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
