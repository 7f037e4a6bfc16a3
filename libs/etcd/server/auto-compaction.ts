// Compaction that the store starts itself (`--auto-compaction-mode`), by etcd's rules: every member samples its revision, the
// leader proposes. Nothing is persisted: a new leader has sampled as long as it has been running.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import { EtcdError } from '../errors.ts';

/**
 * `periodic`: keep at least the last `periodMs`; compacts every hour, or every `periodMs` where that is shorter.
 * `revision`: keep the last `revisions`; looks every five minutes.
 */
export type AutoCompaction =
  | { readonly mode: 'periodic'; readonly periodMs: number }
  | { readonly mode: 'revision'; readonly revisions: number };

export interface CompactionTarget {
  readonly isLeader: boolean;
  readonly revision: number;
  /** Rejects with EtcdError. */
  compact(revision: number): Promise<void>;
}

const intervalMaxMs = 3_600_000;
/** Samples per compaction interval. */
const samplesPerInterval = 10;
const revisionIntervalMs = 300_000;

export class AutoCompactor {
  readonly #target: CompactionTarget;
  readonly #clock: Clock;
  readonly #how: AutoCompaction;
  /** Revisions seen, oldest first: in periodic mode the first is what was current `periodMs` ago. */
  #samples: number[] = [];
  #compacted = 0;
  #lastMs: number;
  /** The first compaction waits for the whole period. */
  #waitMs: number;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(target: CompactionTarget, clock: Clock, how: AutoCompaction) {
    this.#target = target;
    this.#clock = clock;
    this.#how = how;
    this.#lastMs = clock.monotonicMs();
    this.#waitMs = how.mode === 'periodic' ? how.periodMs : 0;
  }

  start(): void {
    this.#sample();
    this.#timer = this.#clock.timer(this.#stepMs(), () => void this.#step());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #step(): Promise<void> {
    const revision = this.#due();
    if (revision !== undefined) await this.#compact(revision);
    if (!this.#stopped) this.start();
  }

  /** The revision to compact at, if it is time and this member's turn. */
  #due(): number | undefined {
    const how = this.#how;
    if (!this.#target.isLeader) return undefined;
    if (how.mode === 'revision') {
      const revision = this.#target.revision - how.revisions;
      return revision <= 0 || revision === this.#compacted ? undefined : revision;
    }
    const revision = this.#samples[0];
    if (revision === this.#compacted || this.#clock.monotonicMs() - this.#lastMs < this.#waitMs) return undefined;
    this.#waitMs = intervalMs(how.periodMs);
    return revision;
  }

  async #compact(revision: number): Promise<void> {
    try {
      await this.#target.compact(revision);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      // Tried again at the next step; somebody else having compacted is as good.
      if (error.code !== 'compacted') return;
    }
    this.#compacted = revision;
    this.#lastMs = this.#clock.monotonicMs();
  }

  #sample(): void {
    if (this.#how.mode !== 'periodic') return;
    this.#samples.push(this.#target.revision);
    const kept = Math.floor(this.#how.periodMs / this.#stepMs()) + 1;
    if (this.#samples.length > kept) this.#samples.shift();
  }

  #stepMs(): number {
    return this.#how.mode === 'revision' ? revisionIntervalMs : intervalMs(this.#how.periodMs) / samplesPerInterval;
  }
}

function intervalMs(periodMs: number): number {
  return Math.min(periodMs, intervalMaxMs);
}
