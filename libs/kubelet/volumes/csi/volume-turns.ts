// Who may do something with a volume of a driver, and when: one thing at a time of each volume, whoever has it.
import { unlessAborted } from '../../pod/give-up.ts';
import { Lines } from './lines.ts';

export const podEnds = 'the pod is being terminated';

export class VolumeTurns {
  readonly #lines = new Lines();
  /** By pod; also what nobody waits for any more. */
  readonly #underWay = new Map<string, Set<Promise<unknown>>>();

  /** `volume`: what all pods call it by. Rejects when `ending` aborts; what has begun then goes on. */
  async take<T>(uid: string, volume: string, ending: AbortSignal, work: () => Promise<T>): Promise<T> {
    const turn = this.#lines.take(volume, () => {
      throwIfEnding(ending);
      return work();
    });
    const own = this.#underWay.get(uid) ?? new Set();
    this.#underWay.set(uid, own.add(turn));
    const over = () => {
      own.delete(turn);
      if (own.size === 0 && this.#underWay.get(uid) === own) this.#underWay.delete(uid);
    };
    turn.then(over, over);
    return unlessAborted(turn, ending, podEnds);
  }

  /** For the end of a pod: when nothing goes on for it any more. */
  async settled(uid: string): Promise<void> {
    await Promise.allSettled(this.#underWay.get(uid) ?? []);
  }

  /** As `take`, for what undoes. */
  async undo<T>(volume: string, work: () => Promise<T>): Promise<T> {
    return this.#lines.take(volume, work);
  }
}

export function throwIfEnding(ending: AbortSignal): void {
  if (ending.aborted) throw new Error(podEnds);
}
