// Where a scenario plays: a cluster in a world, and words for what is done to it and seen of it. Everything that clients do is
// written down for the checkers as well.
import type { Random } from '@drydock/foundation/random.ts';
import type { ClientCall } from '../calls.ts';
import { SimClient } from '../client.ts';
import { SimCluster } from '../cluster.ts';
import type { KeyValue, Request, Response } from '../history/operation.ts';
import { Recorder } from '../history/recorder.ts';
import type { ClusterSettings, MemberHost } from '../member-host.ts';
import { observe } from '../observe.ts';
import { RaftObserver } from '../raft-observer.ts';
import { perform } from '../workload/perform.ts';
import type { World } from '../world.ts';
import { openWatch, type Watching, type WatchOptions } from './watching.ts';

const second = 1_000_000;
const pollUs = 20_000;

/** The store did not do what the scenario expects of it. */
export class ExpectationError extends Error {
  override readonly name = 'ExpectationError';
}

export interface StageOptions {
  readonly size: number;
  /** Of the log, entries: after how many it is cut, and what is kept for those who lag. */
  readonly snapshotCount?: number;
  readonly catchUpEntries?: number;
  readonly watchProgressMs?: number;
  readonly preVote?: boolean;
  readonly quotaBytes?: number;
  readonly upkeep?: ClusterSettings['upkeep'];
}

export class Stage {
  readonly world: World;
  readonly cluster: SimCluster;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly #clients = new Map<string, SimClient>();

  constructor(world: World, seed: string, options: StageOptions) {
    this.world = world;
    this.random = world.random;
    this.recorder = new Recorder(() => world.nowUs);
    this.cluster = new SimCluster(world, {
      seed,
      size: options.size,
      tuning: {
        heartbeatMs: 100,
        electionMs: 1000,
        snapshotCount: options.snapshotCount ?? 10_000,
        catchUpEntries: options.catchUpEntries ?? 5000,
        preVote: options.preVote ?? true,
        segmentBytes: 64 << 10,
      },
      watchProgressMs: options.watchProgressMs ?? 600_000,
      quotaBytes: options.quotaBytes ?? 2 ** 31,
      upkeep: options.upkeep ?? {},
    });
    observe(this.cluster, new RaftObserver(), this.recorder);
  }

  get hosts(): readonly MemberHost[] {
    return this.cluster.hosts;
  }

  host(number: number): MemberHost {
    return this.cluster.host(`m${number}`);
  }

  /** All but these. */
  others(...some: readonly MemberHost[]): MemberHost[] {
    return this.hosts.filter((host) => !some.includes(host));
  }

  /** Starts every member and waits for a leader that serves. */
  async start(): Promise<MemberHost> {
    this.cluster.start();
    await this.until('every member serves', 30, () => this.hosts.every((host) => host.serving !== undefined));
    return this.leader();
  }

  /** Waits for a leader among `hosts` that the others of them know. */
  async leader(hosts: readonly MemberHost[] = this.hosts): Promise<MemberHost> {
    return this.value('they have a leader', 30, () => {
      const views = new Set(hosts.map(({ member }) => member?.replica.leader() ?? 0n));
      const [id] = views;
      return views.size === 1 ? hosts.find((host) => host.id === id && host.serving !== undefined) : undefined;
    });
  }

  sleep(seconds: number): Promise<void> {
    return this.world.sleep(seconds * second);
  }

  /** Waits until `holds`; throws ExpectationError where it does not within `seconds`. */
  async until(what: string, seconds: number, holds: () => boolean): Promise<void> {
    await this.value(what, seconds, () => (holds() ? true : undefined));
  }

  async value<T>(what: string, seconds: number, get: () => T | undefined): Promise<T> {
    const end = this.world.nowUs + seconds * second;
    for (;;) {
      const value = get();
      if (value !== undefined) return value;
      if (this.world.nowUs >= end) throw new ExpectationError(`not within ${seconds} s: ${what}`);
      await this.world.sleep(pollUs);
    }
  }

  expect(what: string, holds: boolean): void {
    this.world.note(`${holds ? 'as expected' : 'NOT AS EXPECTED'}: ${what}`);
    if (!holds) throw new ExpectationError(what);
  }

  client(name: string): SimClient {
    const known = this.#clients.get(name) ?? new SimClient(this.cluster, name);
    this.#clients.set(name, known);
    return known;
  }

  /** One operation; undefined where it was not answered. */
  ask(name: string, host: MemberHost, request: Request): Promise<Response | undefined> {
    return perform(this.client(name), host, this.recorder, request);
  }

  /** Puts until it is acknowledged; the revision. */
  async put(host: MemberHost, key: string, value: string, lease = '0'): Promise<number> {
    const request: Request = { kind: 'put', key, value, ...(lease === '0' ? {} : { lease }) };
    return (await this.done(host, request)).revision;
  }

  /** As `ask`, again and again until it is answered. */
  async done(host: MemberHost, request: Request): Promise<Response> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const response = await this.ask('writer', host, request);
      if (response !== undefined) return response;
      await this.sleep(0.1);
    }
    throw new ExpectationError(`${request.kind} is not answered by ${host.name}`);
  }

  /** The linearizable value of a key, from that member. */
  async get(host: MemberHost, key: string): Promise<KeyValue | undefined> {
    const response = await this.done(host, { kind: 'range', key });
    return response.kind === 'range' ? response.kvs[0] : undefined;
  }

  watch(host: MemberHost, name: string, options: WatchOptions): Watching {
    return openWatch(this.client(name), host, this.recorder, options);
  }

  stream(host: MemberHost, name: string, service: string): ClientCall {
    return this.client(name).stream(host, service);
  }

  /** Cuts both ways between every one of the first and every one of the second; returns the way to heal it. */
  cut(some: readonly MemberHost[], rest: readonly MemberHost[]): () => void {
    const heals = some.flatMap((a) => rest.flatMap((b) => [this.oneWay(a, b), this.oneWay(b, a)]));
    return () => {
      for (const heal of heals) heal();
    };
  }

  /** Nothing that `from` sends reaches `to`. */
  oneWay(from: MemberHost, to: MemberHost): () => void {
    return this.cluster.network.cut(from.name, to.name);
  }
}

const attemptsMax = 40;
