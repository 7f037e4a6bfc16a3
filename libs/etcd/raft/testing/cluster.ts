// A cluster of whole members in one process: real driver and log, disks and network in memory, virtual time. Also for the tests of
// what stands on a replica.
import { silentLog } from '@drydock/foundation/log.ts';
import { MemoryDisk } from '@drydock/foundation/memory-disk.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import type { MemberId } from 'raft-ts/types.ts';
import { MemoryNetwork } from '../../peer/memory-transport.ts';
import type { BootstrapMember, Replica } from '../../replica.ts';
import type { ReplicaTuning } from '../options.ts';
import { createReplica } from '../raft-replica.ts';
import { ListMachine } from './list-machine.ts';

const clusterId = 0xc1n;
/** Virtual time after which a condition that does not hold is a failure. */
const patienceMs = 60_000;
const stepMs = 50;

export interface TestReplica {
  readonly id: MemberId;
  readonly disk: MemoryDisk;
  readonly machine: ListMachine;
  replica: Replica;
  alive: boolean;
  /** What it stopped with, if it did. */
  failure: unknown;
}

export interface TestClusterOptions {
  readonly seed?: number;
  readonly tuning?: Partial<ReplicaTuning>;
  readonly flushEvery?: number;
}

export class TestCluster {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork();
  readonly members: TestReplica[] = [];
  readonly #random: SeededRandom;
  readonly #options: TestClusterOptions;
  readonly #bootstrap: readonly BootstrapMember[];

  private constructor(count: number, options: TestClusterOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed ?? 1);
    const ids = Array.from({ length: count }, (_, i) => BigInt(i + 1));
    this.#bootstrap = ids.map((id) => ({ id, context: Buffer.from(`member ${id}`) }));
  }

  static async create(count: number, options: TestClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(count, options);
    for (const { id } of cluster.#bootstrap) await cluster.add(id, cluster.#bootstrap);
    return cluster;
  }

  /** Starts a member with an empty disk; without `bootstrap` it joins. */
  async add(id: MemberId, bootstrap?: readonly BootstrapMember[]): Promise<TestReplica> {
    const machine = new ListMachine(this.#options.flushEvery);
    const disk = new MemoryDisk();
    const member = { id, disk, machine, alive: false, failure: undefined } as Omit<TestReplica, 'replica'> as TestReplica;
    this.members.push(member);
    await this.#start(member, bootstrap);
    return member;
  }

  async #start(member: TestReplica, bootstrap?: readonly BootstrapMember[], forceNewCluster = false): Promise<void> {
    member.replica = createReplica({
      id: member.id,
      clusterId,
      bootstrap,
      forceNewCluster,
      machine: member.machine,
      transport: this.network.transport(member.id),
      disk: member.disk,
      clock: this.clock,
      random: { stream: (name) => this.#random.stream(`${member.id}/${name}`) },
      log: silentLog,
      tuning: { segmentBytes: 64 << 10, ...this.#options.tuning },
      fatal: (error) => {
        member.alive = false;
        member.failure = error;
      },
    });
    member.alive = true;
    await member.replica.start();
  }

  /** Power fails on one member: what was not synced is gone, or there in part. */
  async crash(member: TestReplica, torn = false): Promise<void> {
    this.network.leave(member.id);
    member.disk.powerOff(torn ? this.#random.stream('torn') : undefined);
    member.alive = false;
    const stopped = member.replica.stop();
    member.machine.crash();
    await stopped;
  }

  async restart(member: TestReplica, options: { forceNewCluster?: boolean } = {}): Promise<void> {
    member.disk.powerOn();
    await this.#start(member, undefined, options.forceNewCluster);
  }

  get living(): readonly TestReplica[] {
    return this.members.filter((member) => member.alive);
  }

  /** Lets virtual time pass until `condition` holds. */
  async until(condition: () => boolean, what = 'the condition'): Promise<void> {
    const deadline = this.clock.monotonicMs() + patienceMs;
    while (!condition()) {
      if (this.clock.monotonicMs() > deadline) throw new RangeError(`${what} did not hold in ${patienceMs} ms`);
      await this.clock.advanceAsync(stepMs);
    }
  }

  /** Lets virtual time pass until `promise` has settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    promise.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    await this.until(() => settled, 'the promise');
    return promise;
  }

  /** The leader that a majority of the living follow. */
  async leader(): Promise<TestReplica> {
    const find = (): TestReplica | undefined =>
      this.living.find(({ id, replica }) => {
        const followers = this.living.filter(
          (other) => other.replica.leader() === id && other.replica.term() === replica.term(),
        );
        return replica.status().role === 'leader' && followers.length * 2 > this.living.length;
      });
    await this.until(() => find() !== undefined, 'a leader');
    const leader = find();
    if (leader === undefined) throw new RangeError('no leader');
    return leader;
  }

  async stop(): Promise<void> {
    for (const member of this.living) await member.replica.stop();
  }
}
