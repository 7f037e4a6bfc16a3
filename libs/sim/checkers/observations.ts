// What answers say about revisions they did not make: a key-value shown names the revision that wrote it, and that nothing wrote
// its key from then until it was seen. That leaves few places for operations whose outcome nobody knows.
import type { KeyValue, Response } from '../history/operation.ts';
import type { Change } from './model.ts';
import { sameKv } from './same.ts';
import type { Timeline } from './timeline.ts';

export class Observations {
  /** Key-values that a revision wrote for certain. */
  readonly #written = new Map<number, Map<string, KeyValue>>();
  /** Per key: for each revision that wrote it, until when nothing else did. */
  readonly #untouched = new Map<string, Map<number, number>>();
  readonly #sorted = new Map<string, number[]>();

  constructor(timeline: Timeline) {
    for (const { response, contentRevision } of timeline.reads) this.#add(response, contentRevision);
    for (const [revision, { response }] of timeline.writes) this.#add(response, revision, revision);
    for (const [key, spans] of this.#untouched) {
      this.#sorted.set(
        key,
        [...spans.keys()].sort((a, b) => a - b),
      );
    }
  }

  /** Whether `revision` may have been this change, as far as answers tell. */
  allow(revision: number, change: Change): boolean {
    for (const { kv } of change) if (this.#isUntouched(kv.key, revision)) return false;
    for (const [key, kv] of this.#written.get(revision) ?? []) {
      const event = change.find((each) => each.kv.key === key);
      if (event?.kind !== 'put' || (kv.value !== '' && !sameKv(event.kv, kv))) return false;
    }
    return true;
  }

  /** `own` is the revision that the answering operation made itself: what it saw was before it, and its own writes say nothing. */
  #add(response: Response, seenAt: number, own?: number): void {
    if (response.kind === 'txn') for (const each of response.responses) this.#add(each, seenAt, own);
    if (response.kind === 'range') for (const kv of response.kvs) this.#see(kv, seenAt, own);
    if (response.kind === 'delete') for (const kv of response.previous) this.#see(kv, seenAt, own);
    if (response.kind === 'put' && response.previous !== undefined) this.#see(response.previous, seenAt, own);
  }

  #see(kv: KeyValue, seenAt: number, own: number | undefined): void {
    if (kv.modRevision === own) return;
    const until = own === undefined ? seenAt : own - 1;
    let written = this.#written.get(kv.modRevision);
    if (written === undefined) {
      written = new Map();
      this.#written.set(kv.modRevision, written);
    }
    const known = written.get(kv.key);
    // A read of keys only shows no value; another one may.
    if (known === undefined || known.value === '') written.set(kv.key, kv);
    let spans = this.#untouched.get(kv.key);
    if (spans === undefined) {
      spans = new Map();
      this.#untouched.set(kv.key, spans);
    }
    spans.set(kv.modRevision, Math.max(spans.get(kv.modRevision) ?? 0, until));
  }

  #isUntouched(key: string, revision: number): boolean {
    const sorted = this.#sorted.get(key);
    if (sorted === undefined) return false;
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] ?? 0) < revision) low = middle + 1;
      else high = middle;
    }
    const from = sorted[low - 1];
    return from !== undefined && revision <= (this.#untouched.get(key)?.get(from) ?? 0);
  }
}
