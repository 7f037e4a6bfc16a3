// Adapter: new content for the whole backend, beside the old one, which goes on being read until the moment of the change.
//
//   load      into a new file, in a folder of its own
//   finish    the new file is synced and takes the place of the old one; then, in one turn, it is what is read
//
// A crash leaves the old content or the new one, whole.
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackendReplacement, Bucket, StoredRecord } from './backend.ts';
import { LmdbEnvironment } from './lmdb-environment.ts';
import { takePlace } from './lmdb-file.ts';

export const replacementPrefix = 'replacement-';

export interface ReplacementPorts {
  /** Of the backend. */
  readonly folder: string;
  /** Runs `work` while no commit is under way. */
  readonly exclusively: (work: () => Promise<void>) => Promise<void>;
  /** Resolves when the file in use has the name under which it is looked for. */
  readonly inPlace: () => Promise<void>;
  /** From here on reads and writes go to `next`. */
  readonly switchTo: (next: LmdbEnvironment) => void;
}

export class Replacement implements BackendReplacement {
  readonly #ports: ReplacementPorts;
  readonly #folder: string;
  readonly #next: LmdbEnvironment;

  /** `number` is different for every one of a process: the environment in use has its lock in the folder of its own. */
  constructor(ports: ReplacementPorts, number: number) {
    this.#ports = ports;
    this.#folder = join(ports.folder, `${replacementPrefix}${number}`);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#next = new LmdbEnvironment(this.#folder);
  }

  load(bucket: Bucket, records: readonly StoredRecord[]): void {
    this.#next.write(records.map(({ key, value }) => ({ bucket, key, value })));
  }

  finish(changed: () => void): Promise<void> {
    const { exclusively, inPlace, switchTo, folder } = this.#ports;
    return exclusively(async () => {
      await this.#next.sync();
      // A defragmentation that has switched before is about to rename its own file.
      await inPlace();
      await takePlace(this.#folder, folder);
      switchTo(this.#next);
      changed();
    });
  }

  async abandon(): Promise<void> {
    await this.#next.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
