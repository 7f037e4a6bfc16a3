// A process of the world: what happens in it happens only while it lives, and waits while it is stopped.
import type { Scheduled, World } from './world.ts';

/**
 * Where a process can be made to die: between two effects that others can see, or two turns, each of which is the end of some await
 * (or of several at once).
 */
export type CrashPoint = 'disk' | 'sync' | 'commit' | 'send' | 'turn';

/** Dies at the `count`-th effect of that kind from now on, before or after it. */
export interface CrashPlan {
  readonly point: CrashPoint;
  count: number;
  readonly when: 'before' | 'after';
}

export class SimProcess {
  readonly world: World;
  readonly name: string;
  /** When it was started. */
  readonly bornUs: number;
  #alive = true;
  /** What came due while the process was stopped. */
  #waiting: (() => void)[] | undefined;
  crashPlan: CrashPlan | undefined;
  readonly #deathListeners = new Set<() => void>();

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.bornUs = world.nowUs;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#waiting !== undefined;
  }

  /** Calls `run` in this process after `delayUs`; never if it is dead by then, and later if it is stopped. */
  after(delayUs: number, run: () => void): Scheduled {
    let cancelled = false;
    const live = (): void => {
      if (cancelled || !this.#alive) return;
      if (this.#waiting === undefined) this.effect('turn', run);
      else {
        this.world.tally.add('due while stopped');
        this.#waiting.push(live);
      }
    };
    const scheduled = this.world.schedule(delayUs, live);
    return {
      cancel: () => {
        cancelled = true;
        scheduled.cancel();
      },
    };
  }

  /** SIGSTOP. */
  pause(): void {
    this.#waiting ??= [];
  }

  /** SIGCONT: what has waited happens in the order in which it came due. */
  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const run of waiting) this.after(0, run);
  }

  /** From now on it does nothing: code that still runs up to its next await has no effect on the world. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#waiting = undefined;
    for (const listener of [...this.#deathListeners]) listener();
    this.#deathListeners.clear();
  }

  /** Calls `listener` at the end of the process, however it comes; returns the way out. */
  onDeath(listener: () => void): () => void {
    this.#deathListeners.add(listener);
    return () => this.#deathListeners.delete(listener);
  }

  /** Does `effect`, unless the process is dead or dies of its plan just before; it may die just after. */
  effect<T>(point: CrashPoint, effect: () => T): T | undefined {
    if (!this.#alive) return undefined;
    const plan = this.crashPlan;
    const due = plan?.point === point && --plan.count === 0;
    if (due) this.world.tally.add(`died ${plan.when} ${point}`);
    if (due && plan.when === 'before') {
      this.kill();
      return undefined;
    }
    const result = effect();
    if (due) this.kill();
    return result;
  }
}
