// Walks the stored revisions a piece at a time, so that a gigabyte can be looked at without a pause.
import { limits } from '../limits.ts';
import { KeyValue } from '../rpc/messages.ts';
import { decode } from '../rpc/protobuf.ts';
import type { Backend, BackendSnapshot, StoredRecord } from './backend.ts';
import { mainOf, subOf } from './revision.ts';

/** As they were at one moment. */
export class RevisionScan {
  readonly #snapshot: BackendSnapshot;
  readonly #records: Iterator<StoredRecord>;
  readonly #to: number;
  #ended = false;

  /** Up to main revision `to`. Holds a snapshot of the backend until it ends or is stopped. */
  constructor(backend: Backend, to: number) {
    this.#to = to;
    this.#snapshot = backend.snapshot();
    this.#records = this.#snapshot.entries('key')[Symbol.iterator]();
  }

  /** Visits some more records, in order of their revisions; false where there are none left. */
  step(visit: (record: StoredRecord) => void): boolean {
    let bytes = 0;
    for (let count = 0; count < limits.scanStepRecords && bytes < limits.scanStepBytes; count++) {
      const next = this.#ended ? undefined : this.#records.next();
      if (next === undefined || next.done === true || mainOf(next.value.key) > this.#to) {
        this.stop();
        return false;
      }
      visit(next.value);
      bytes += next.value.key.length + next.value.value.length;
    }
    return true;
  }

  stop(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#records.return?.();
    this.#snapshot.release();
  }
}

/** As they are. The visitor may remove what it is shown. */
export class LiveScan {
  readonly #backend: Backend;
  readonly #to: number;
  #main = 0;
  #sub = 0;

  /** Up to main revision `to`, which is to be in the past. */
  constructor(backend: Backend, to: number) {
    this.#backend = backend;
    this.#to = to;
  }

  /** Visits some more records, in order of their revisions; false where there are none left. */
  step(visit: (record: StoredRecord) => void): boolean {
    const batch: StoredRecord[] = [];
    let bytes = 0;
    for (const record of this.#backend.revisions(this.#main, this.#to, this.#sub)) {
      batch.push(record);
      bytes += record.key.length + record.value.length;
      if (batch.length >= limits.scanStepRecords || bytes >= limits.scanStepBytes) break;
    }
    const last = batch.at(-1)?.key;
    if (last === undefined) return false;
    this.#main = mainOf(last);
    this.#sub = subOf(last) + 1;
    for (const record of batch) visit(record);
    return true;
  }
}

const keyFieldTag = 0x0a;
const oneByteLengthMax = 0x7f;

/** The key of an encoded key-value, without decoding the rest where it stands first, as we and etcd write it. */
export function keyOfKv(kv: Buffer): string {
  const length = kv[1] ?? 0;
  if (kv[0] === keyFieldTag && length <= oneByteLengthMax) return kv.toString('latin1', 2, 2 + length);
  return decode(KeyValue, kv).key;
}
