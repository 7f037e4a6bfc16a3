// Who does the damage: faults come at random times, last for a while, and are undone. What ended is started again, as a
// supervisor would. Everything here is something that the store promises to survive.
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { SimCluster } from './cluster.ts';
import { actions, type FaultContext } from './fault-actions.ts';
import type { MemberHost } from './member-host.ts';
import { calmNetwork } from './network.ts';
import { Operator } from './operator.ts';
import { type FaultKind, pick, type SimOptions } from './options.ts';
import type { World } from './world.ts';

const restartMinUs = 50_000;
const restartSpreadUs = 3_000_000;
/** Sometimes nobody is there to start it again. */
const restartLateUs = 20_000_000;

export class Faults {
  readonly #world: World;
  readonly #cluster: SimCluster;
  readonly #options: SimOptions;
  readonly #random: RandomStream;
  readonly #undo = new Set<() => void>();
  readonly operator: Operator;
  #active = true;
  /** How often each was injected. */
  readonly counts = new Map<FaultKind, number>();

  constructor(world: World, cluster: SimCluster, options: SimOptions) {
    this.#world = world;
    this.#cluster = cluster;
    this.#options = options;
    this.#random = world.random.stream('faults');
    this.operator = new Operator(cluster, world.random.stream('operator'), (host) => this.supervise(host));
  }

  /** Starts the members, keeps them running, and breaks things. */
  start(): void {
    for (const host of this.#cluster.hosts) this.supervise(host);
    if (this.#options.faults.length > 0) this.#next();
  }

  supervise(host: MemberHost): void {
    const { clockDrift } = this.#options;
    host.time.setRate(1 + (this.#random.next() * 2 - 1) * clockDrift, this.#world.nowUs);
    host.onDown = () => {
      const spreadUs = this.#active && this.#random.int(5) === 0 ? restartLateUs : restartSpreadUs;
      this.#world.schedule(restartMinUs + this.#random.next() * spreadUs, () => host.start());
    };
    host.start();
  }

  /** Undoes everything; from now on nothing goes wrong any more. */
  heal(): void {
    this.#active = false;
    for (const undo of [...this.#undo]) undo();
    this.#undo.clear();
    this.#cluster.network.faults = { ...calmNetwork };
    for (const host of this.#cluster.hosts) {
      const { life, disk } = host;
      if (life !== undefined) life.crashPlan = undefined;
      life?.resume();
      Object.assign(disk.faults, { full: false, failingSyncs: 0, slowness: 1 });
    }
    this.#world.note('everything is healed');
  }

  #next(): void {
    const meanUs = this.#options.faultEverySeconds * 1_000_000;
    this.#world.schedule(-Math.log(1 - this.#random.next()) * meanUs, () => {
      if (!this.#active) return;
      this.#inject();
      this.#next();
    });
  }

  #inject(): void {
    const [first, ...rest] = this.#options.faults;
    if (first === undefined) return;
    const kind = pick(this.#random, [first, ...rest]);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const context: FaultContext = {
      world: this.#world,
      cluster: this.#cluster,
      options: this.#options,
      operator: this.operator,
      random: this.#random,
      later: (us, action) => this.#later(us, action),
    };
    actions[kind](context);
  }

  /** Calls `action` after `us`, or when everything is healed, whichever comes first. */
  #later(us: number, action: () => void): void {
    const run = (): void => {
      if (this.#undo.delete(run)) action();
    };
    this.#undo.add(run);
    this.#world.schedule(us, run);
  }
}
