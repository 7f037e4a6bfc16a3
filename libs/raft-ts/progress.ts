// How far a leader believes one member to be (section 3.5), and how fast it may send to it (section 10.2.2).
//
//   probe: one append at a time, until one is accepted     ---accepted--->  replicate: a window of appends under way
//     ^  \                                                                      |
//     |   `--entries are gone--> snapshot: nothing until it has arrived         |
//     +-----------------------------rejected, unreachable-----------------------+
import type { LogIndex } from './types.ts';

export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** One member as its leader sees it. `match` only grows within a term; `next` is always above it. */
export class Progress {
  match: LogIndex;
  next: LogIndex;
  state: ProgressState = 'probe';
  /** Heard from since the last quorum check. */
  recentActive = false;
  /** The highest commit index that was sent, so that an unchanged one need not be sent again. */
  sentCommit: LogIndex = 0;
  /** In `snapshot`: the index that the member will have once it has arrived. */
  pendingSnapshot: LogIndex = 0;
  /** Nothing more until an answer or a heartbeat's answer comes. */
  #paused = false;
  /** Last index of each append under way, oldest first. */
  #inflight: LogIndex[] = [];
  readonly #maxInflight: number;

  constructor(match: LogIndex, next: LogIndex, maxInflight: number) {
    this.match = match;
    this.next = next;
    this.#maxInflight = maxInflight;
  }

  get paused(): boolean {
    return this.state === 'snapshot' || this.#paused;
  }

  get windowFull(): boolean {
    return this.#inflight.length >= this.#maxInflight;
  }

  becomeProbe(): void {
    // After a snapshot the member has at least its content, even where the answer to it was lost.
    this.next = this.state === 'snapshot' ? Math.max(this.match, this.pendingSnapshot) + 1 : this.match + 1;
    this.#reset('probe');
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
  }

  becomeReplicate(): void {
    this.#reset('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(index: LogIndex): void {
    this.#reset('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  /** The snapshot did not arrive: forget it, so that becomeProbe starts from what is known to match. */
  snapshotFailed(): void {
    this.pendingSnapshot = 0;
  }

  /** An append with `count` entries goes out; optimistic in `replicate`: the next one follows without an answer. */
  sent(count: number, commit: LogIndex): void {
    if (this.state === 'replicate') {
      if (count > 0) {
        this.next += count;
        this.#inflight.push(this.next - 1);
      }
      this.#paused = this.windowFull;
    } else if (count > 0) {
      this.#paused = true;
    }
    this.sentCommit = commit;
  }

  pause(): void {
    this.#paused = true;
  }

  /** Something came back: one more append may go, if only an empty one to find out where the member stands. */
  resume(): void {
    this.#paused = false;
  }

  /** The member has everything up to `index`. False where that is old news. */
  acknowledge(index: LogIndex): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.#paused = false;
    return true;
  }

  /** Frees the window up to `index`. */
  freeUpTo(index: LogIndex): void {
    let count = 0;
    while (count < this.#inflight.length && (this.#inflight[count] ?? 0) <= index) count++;
    if (count > 0) this.#inflight.splice(0, count);
    this.#paused = this.windowFull;
  }

  /** The member has no match at `rejected`; try `hint` next. False where the rejection is old news (section 3.5). */
  reject(rejected: LogIndex, hint: LogIndex): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      return true;
    }
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    this.#paused = false;
    return true;
  }

  #reset(state: ProgressState): void {
    this.state = state;
    this.#paused = false;
    this.#inflight = [];
    this.pendingSnapshot = 0;
  }
}
