// Whoever looks after the cluster: adds members and starts them, promotes learners, removes members, and finds out what became of
// requests that were not answered.
import type { InitialMember } from '@drydock/etcd/member.ts';
import { api } from '@drydock/etcd/rpc/api.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { CallError } from './calls.ts';
import { SimClient } from './client.ts';
import type { SimCluster } from './cluster.ts';
import { type MemberHost, peerUrl } from './member-host.ts';
import { pick } from './options.ts';

const second = 1_000_000;
const promotionAttempts = 20;
/** What a removed member gets to find out by itself. */
const goodbyeUs = 10 * second;

export class Operator {
  readonly #cluster: SimCluster;
  readonly #client: SimClient;
  readonly #random: RandomStream;
  readonly #smallest: number;
  /** Starts a new host, and keeps it running. */
  readonly #supervise: (host: MemberHost) => void;
  #busy = false;
  #names: number;

  constructor(cluster: SimCluster, random: RandomStream, supervise: (host: MemberHost) => void) {
    this.#cluster = cluster;
    this.#client = new SimClient(cluster, 'operator');
    this.#random = random;
    // Of two, one that dies right after its removal takes the word of it along, and the other waits for it forever (as on etcd).
    this.#smallest = Math.max(2, cluster.hosts.length);
    this.#names = cluster.hosts.length;
    this.#supervise = supervise;
  }

  /** One change, unless one is under way: the cluster grows by at most two, and does not get smaller than it was. */
  change(): void {
    if (this.#busy) return;
    this.#busy = true;
    const { length } = this.#present();
    const grow = length <= this.#smallest || (length < this.#smallest + 2 && this.#random.int(2) === 0);
    (grow ? this.#add() : this.#remove()).then(
      () => {
        this.#busy = false;
      },
      (error) => this.#cluster.world.fail(error),
    );
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Brings hosts in line with the members that the cluster has. False where it could not be asked. */
  async reconcile(): Promise<boolean> {
    const certain = await this.#list(true);
    // Without a quorum, perhaps because a member that was added does not run yet: what one of them knows.
    const initial = certain ?? (await this.#list(false));
    if (initial === undefined) return false;
    this.#startMissing(initial);
    if (certain === undefined) return false;
    const { world, hosts } = this.#cluster;
    for (const host of hosts) {
      if (host.removed || certain.some(({ id }) => id === host.id)) continue;
      world.note(`${host.name} is no member any more`);
      host.removed = true;
      world.schedule(goodbyeUs, () => host.kill(false));
    }
    return true;
  }

  async #list(linearizable: boolean): Promise<InitialMember[] | undefined> {
    const response = await this.#attempt((host) => this.#client.call(host, api.memberList, { linearizable }));
    return response?.members.map(({ ID, name, peerURLs }) => ({ id: ID, name, peerUrls: peerURLs }));
  }

  #startMissing(initial: readonly InitialMember[]): void {
    const { hosts } = this.#cluster;
    for (const { id, peerUrls } of initial) {
      if (hosts.some((host) => host.id === id)) continue;
      const name = `m${this.#names + 1}`;
      if (peerUrls[0] !== peerUrl(name)) throw new RangeError(`a member at ${peerUrls[0]} that nobody has added`);
      this.#names++;
      this.#supervise(this.#cluster.join(id, name, initial));
    }
  }

  #present(): MemberHost[] {
    return this.#cluster.hosts.filter(({ removed }) => !removed);
  }

  async #add(): Promise<void> {
    const isLearner = this.#random.int(2) === 0;
    const url = peerUrl(`m${this.#names + 1}`);
    const answer = await this.#attempt((host) => this.#client.call(host, api.memberAdd, { peerURLs: [url], isLearner }));
    await this.#find();
    const id = answer?.member?.ID;
    if (!isLearner || id === undefined) return;
    for (let i = 0; i < promotionAttempts; i++) {
      await this.#client.sleep(second);
      const leader = this.#cluster.leader();
      if (leader === undefined) continue;
      try {
        await this.#client.call(leader, api.memberPromote, { ID: id });
        return;
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
      }
    }
  }

  async #remove(): Promise<void> {
    const [first, ...rest] = this.#present();
    if (first === undefined) return;
    const { id } = pick(this.#random, [first, ...rest]);
    await this.#attempt((host) => this.#client.call(host, api.memberRemove, { ID: id }));
    await this.#find();
  }

  async #find(): Promise<void> {
    while (!(await this.reconcile())) await this.#client.sleep(second);
  }

  /** Asks some member; undefined where it did not answer well. */
  async #attempt<T>(ask: (host: MemberHost) => Promise<T>): Promise<T | undefined> {
    const [first, ...rest] = this.#present();
    if (first === undefined) return undefined;
    try {
      return await ask(pick(this.#random, [first, ...rest]));
    } catch (error) {
      if (error instanceof CallError) return undefined;
      throw error;
    }
  }
}
