// How often what can go wrong did go wrong: a fault that was asked for may have hit nothing.

export const effects = [
  // The network.
  'message lost',
  'message doubled',
  'message overtaken',
  'message late',
  'message cut off',
  'stream broken',
  'snapshot sent',
  'snapshot broken',
  // Disks.
  'write lost with the power',
  'write kept without a sync',
  'write torn by the power',
  'call half done at a death',
  'commit lost with the power',
  'slow disk call',
  'failed sync',
  'no space',
  // Processes.
  'due while stopped',
  'died before disk',
  'died after disk',
  'died before sync',
  'died after sync',
  'died before commit',
  'died after commit',
  'died before send',
  'died after send',
  'died before turn',
  'died after turn',
] as const;
export type Effect = (typeof effects)[number];

export class Tally {
  readonly #counts = new Map<Effect, number>();

  add(effect: Effect): void {
    this.#counts.set(effect, (this.#counts.get(effect) ?? 0) + 1);
  }

  get counts(): ReadonlyMap<Effect, number> {
    return this.#counts;
  }
}
