// What lies between processes: every message takes its own time, and may be lost, doubled or cut off. Places are names
// ("m1", "c2"); a place that is cut off from another may still be heard by it.
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Scheduled, World } from './world.ts';

/** How bad the network is now. */
export interface NetworkFaults {
  /** Probability that a message is lost, and that it comes twice. */
  loss: number;
  duplication: number;
  /** Messages take `minUs` and up to this much more; later ones overtake. */
  spreadUs: number;
  /** Probability that a message takes `slowUs` more. */
  slow: number;
  slowUs: number;
  /** Probability that a stream (a client's call) breaks with any of its messages; the same for snapshots. */
  breakage: number;
  snapshotBreakage: number;
}

export const calmNetwork: NetworkFaults = {
  loss: 0,
  duplication: 0,
  spreadUs: 400,
  slow: 0,
  slowUs: 0,
  breakage: 0,
  snapshotBreakage: 0,
};

const minUs = 100;
const sameMachineUs = 20;

export class Network {
  faults: NetworkFaults = { ...calmNetwork };
  readonly #world: World;
  readonly #random: RandomStream;
  /** How many faults cut a direction. */
  readonly #cuts = new Map<string, number>();
  readonly #changedUs = new Map<string, number>();
  /** When the last of those on the way arrives. */
  readonly #lastUs = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.stream('network');
  }

  /** Nothing that `from` sends reaches `to` until the function that it returns is called. */
  cut(from: string, to: string): () => void {
    const way = `${from}>${to}`;
    this.#cuts.set(way, (this.#cuts.get(way) ?? 0) + 1);
    this.#changedUs.set(way, this.#world.nowUs);
    let healed = false;
    return () => {
      if (healed) return;
      healed = true;
      this.#cuts.set(way, (this.#cuts.get(way) ?? 1) - 1);
      this.#changedUs.set(way, this.#world.nowUs);
    };
  }

  /** When the way between the two was last cut or healed, in either direction. */
  changedUs(a: string, b: string): number {
    return Math.max(this.#changedUs.get(`${a}>${b}`) ?? 0, this.#changedUs.get(`${b}>${a}`) ?? 0);
  }

  reaches(from: string, to: string): boolean {
    return (this.#cuts.get(`${from}>${to}`) ?? 0) === 0;
  }

  /** A message on its own: calls `arrive` when it does: never, once, or without `once` twice. False where it is lost for certain. */
  send(from: string, to: string, once: boolean, arrive: () => void): boolean {
    const { loss, duplication } = this.faults;
    const { tally } = this.#world;
    if (!this.reaches(from, to)) {
      tally.add('message cut off');
      return false;
    }
    if (this.#random.next() < loss) {
      tally.add('message lost');
      return false;
    }
    this.#arrival(from, to, arrive);
    if (!once && duplication > 0 && this.#random.next() < duplication) {
      tally.add('message doubled');
      this.#arrival(from, to, arrive);
    }
    return true;
  }

  /** A connection in one direction: what arrives, arrives in order and once. */
  stream(from: string, to: string, isSnapshot = false): OneWayStream {
    return new OneWayStream(this, this.#world, from, to, isSnapshot);
  }

  delayUs(from: string, to: string): number {
    if (from === to) return sameMachineUs;
    const { spreadUs, slow, slowUs } = this.faults;
    const usual = minUs + this.#random.next() * spreadUs;
    if (slow === 0 || this.#random.next() >= slow) return usual;
    this.#world.tally.add('message late');
    return usual + this.#random.next() * slowUs;
  }

  /** Whether a stream breaks now. */
  breaks(from: string, to: string, isSnapshot: boolean): boolean {
    const breakage = isSnapshot ? this.faults.snapshotBreakage : this.faults.breakage;
    return !this.reaches(from, to) || (breakage > 0 && from !== to && this.#random.next() < breakage);
  }

  /** A cut that comes while a message is on its way loses it too. */
  #arrival(from: string, to: string, arrive: () => void): Scheduled {
    const way = `${from}>${to}`;
    const delayUs = this.delayUs(from, to);
    const atUs = this.#world.nowUs + delayUs;
    const lastUs = this.#lastUs.get(way) ?? 0;
    if (atUs < lastUs) this.#world.tally.add('message overtaken');
    else this.#lastUs.set(way, atUs);
    return this.#world.schedule(delayUs, () => {
      if (this.reaches(from, to)) arrive();
      else this.#world.tally.add('message cut off');
    });
  }
}

export class OneWayStream {
  readonly #network: Network;
  readonly #world: World;
  readonly #from: string;
  readonly #to: string;
  readonly #isSnapshot: boolean;
  #lastUs = 0;
  #broken = false;
  /** Called once, when something was lost: the connection is of no more use. */
  onBreak: () => void = () => {};

  constructor(network: Network, world: World, from: string, to: string, isSnapshot: boolean) {
    this.#isSnapshot = isSnapshot;
    this.#network = network;
    this.#world = world;
    this.#from = from;
    this.#to = to;
  }

  get broken(): boolean {
    return this.#broken;
  }

  send(arrive: () => void): void {
    if (this.#broken) return;
    if (this.#network.breaks(this.#from, this.#to, this.#isSnapshot)) {
      this.break();
      return;
    }
    const atUs = Math.max(this.#lastUs + 1, this.#world.nowUs + this.#network.delayUs(this.#from, this.#to));
    this.#lastUs = atUs;
    this.#world.schedule(atUs - this.#world.nowUs, () => {
      if (this.#broken) return;
      if (this.#network.reaches(this.#from, this.#to)) arrive();
      else this.break();
    });
  }

  break(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#world.tally.add('stream broken');
    this.onBreak();
  }
}
