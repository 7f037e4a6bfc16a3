// Clients at work: each has one operation at a time, with any member, and thinks in between; others watch.
import { SimClient } from '../client.ts';
import type { SimCluster } from '../cluster.ts';
import type { Recorder } from '../history/recorder.ts';
import type { MemberHost } from '../member-host.ts';
import { operationKinds, pick, type SimOptions, unlimitedBytes } from '../options.ts';
import { Janitor } from './janitor.ts';
import { LockClient } from './lock-client.ts';
import { perform } from './perform.ts';
import { Knowledge, RequestSource } from './requests.ts';
import { WatchClient } from './watch-client.ts';

export class Workload {
  readonly #cluster: SimCluster;
  readonly #options: SimOptions;
  readonly #recorder: Recorder;
  readonly #knowledge = new Knowledge();
  readonly #watchers: WatchClient[] = [];
  readonly #lockers: LockClient[] = [];
  #janitor: Janitor | undefined;
  #stopped = false;
  #busy = 0;

  constructor(cluster: SimCluster, options: SimOptions, recorder: Recorder) {
    this.#cluster = cluster;
    this.#options = options;
    this.#recorder = recorder;
  }

  start(): void {
    const { world } = this.#cluster;
    for (let i = 1; i <= this.#options.clients; i++) world.schedule(i, () => this.#work(`c${i}`, this.#options));
    const onlyReads = Object.fromEntries(operationKinds.map((kind) => [kind, kind === 'get' || kind === 'range' ? 1 : 0]));
    const reading = { ...this.#options, operations: onlyReads as SimOptions['operations'] };
    for (let i = 1; i <= this.#options.readers; i++) world.schedule(i, () => this.#work(`r${i}`, reading));
    for (let i = 1; i <= this.#options.watchers; i++) this.#watch(`w${i}`);
    for (let i = 1; i <= this.#options.lockers; i++) this.#lock(`l${i}`);
    if (this.#options.lockers > 0) this.#watch('witness', true);
    if (this.#options.quotaBytes < unlimitedBytes) this.#clean();
  }

  /** Clients begin nothing more; watchers go on. */
  stop(): void {
    this.#stopped = true;
    for (const locker of this.#lockers) locker.stop();
  }

  /** Watchers only want to hear everything from now on. */
  settle(): void {
    for (const watcher of this.#watchers) watcher.settle();
  }

  /** Whether every watcher knows that it has heard everything up to `revision`. */
  heardUpTo(revision: number): boolean {
    return this.#watchers.every((watcher) => watcher.heardUpTo(revision));
  }

  /** Nobody waits for an answer. */
  get idle(): boolean {
    return this.#stopped && this.#busy === 0;
  }

  /** From now on whatever alarm there is for want of space is to go. */
  cleanUp(): void {
    this.#janitor?.finish();
  }

  get clean(): boolean {
    return this.#janitor?.isClean ?? true;
  }

  #lock(name: string): void {
    const { world } = this.#cluster;
    const random = world.random.stream(`lock/${name}`);
    const locker = new LockClient({
      client: new SimClient(this.#cluster, name),
      recorder: this.#recorder,
      random,
      keys: this.#options.keys,
      host: () => this.#host(random),
    });
    this.#lockers.push(locker);
    this.#busy++;
    locker.run().then(
      () => {
        this.#busy--;
      },
      (error) => world.fail(error),
    );
  }

  #clean(): void {
    const { world } = this.#cluster;
    const random = world.random.stream('janitor');
    const environment = { random, host: () => this.#host(random), hosts: () => this.#cluster.hosts };
    this.#janitor = new Janitor({ client: new SimClient(this.#cluster, 'janitor'), recorder: this.#recorder, ...environment });
    this.#janitor.run().catch((error) => world.fail(error));
  }

  #work(name: string, options: SimOptions): void {
    const { world } = this.#cluster;
    const random = world.random.stream(`client/${name}`);
    const client = new SimClient(this.#cluster, name);
    const source = new RequestSource(name, options, random, this.#knowledge);
    const next = async (): Promise<void> => {
      if (this.#stopped) return;
      const request = source.next();
      this.#busy++;
      const response = await perform(client, this.#host(random), this.#recorder, request);
      this.#busy--;
      if (response !== undefined) this.#knowledge.learn(request, response);
      client.life.after(random.next() * 2000 * this.#options.thinkMs, again);
    };
    const again = (): void => {
      next().catch((error) => world.fail(error));
    };
    again();
  }

  #watch(name: string, steady = false): void {
    const { world } = this.#cluster;
    const environment = {
      client: new SimClient(this.#cluster, name),
      recorder: this.#recorder,
      random: world.random.stream(`watch/${name}`),
      options: this.#options,
      knowledge: this.#knowledge,
      hosts: () => this.#cluster.hosts,
    };
    const watcher = new WatchClient(environment, steady);
    this.#watchers.push(watcher);
    world.schedule(1, () => watcher.start());
  }

  #host(random: ReturnType<SimCluster['world']['random']['stream']>): MemberHost {
    const [first, ...rest] = this.#cluster.hosts.filter((host) => !host.removed);
    if (first === undefined) throw new RangeError('a cluster without members');
    return pick(random, [first, ...rest]);
  }
}
