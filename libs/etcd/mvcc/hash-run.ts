// A hash of the history on its way.
import { EtcdError } from '../errors.ts';
import type { Backend } from './backend.ts';
import type { HashResult, HistoryHasher } from './history-hash.ts';
import { RevisionScan } from './revision-scan.ts';

export class HashRun {
  readonly #hasher: Pick<HistoryHasher, 'add' | 'result'>;
  readonly #scan: RevisionScan | undefined;
  readonly #revision: number;
  readonly #compactRevision: () => number;

  constructor(
    backend: Backend | undefined,
    hasher: Pick<HistoryHasher, 'add' | 'result'>,
    revision: number,
    compactRevision: () => number,
  ) {
    this.#hasher = hasher;
    this.#revision = revision;
    this.#compactRevision = compactRevision;
    this.#scan = backend === undefined ? undefined : new RevisionScan(backend, revision);
  }

  static known(result: HashResult): HashRun {
    return new HashRun(undefined, { add: () => {}, result: () => result }, result.revision, () => -1);
  }

  /** One step; false where it is done. Throws `compacted` where the revision has been compacted since the last one. */
  step(): boolean {
    if (this.#compactRevision() > this.#revision) {
      this.stop();
      throw new EtcdError('compacted');
    }
    return this.#scan?.step(({ key, value }) => this.#hasher.add(key, value)) ?? false;
  }

  /** Of a run that is done. */
  result(): HashResult {
    return this.#hasher.result();
  }

  /** Releases what it holds where it is not run to its end. */
  stop(): void {
    this.#scan?.stop();
  }
}
