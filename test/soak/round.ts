// One round: clients at work while faults strike, then calm, then what they were told is checked.
import { setTimeout as sleep } from 'node:timers/promises';
import { api } from '@drydock/etcd/rpc/api.ts';
import type { Random, RandomStream } from '@drydock/foundation/random.ts';
import { checkHistory } from '@drydock/sim/checkers/all.ts';
import type { Violation } from '@drydock/sim/checkers/violation.ts';
import type { Base, History } from '@drydock/sim/history/history.ts';
import type { Operation, Request } from '@drydock/sim/history/operation.ts';
import { Recorder } from '@drydock/sim/history/recorder.ts';
import { Knowledge, RequestSource } from '@drydock/sim/workload/requests.ts';
import type { Client } from '@grpc/grpc-js';
import { unaryCall } from '../integration/store/client.ts';
import { type Store, until } from '../integration/store/members.ts';
import { perform } from './call.ts';
import { faults, healAll } from './faults.ts';
import { leadersIn } from './leaders.ts';
import { Watcher } from './watcher.ts';

export interface RoundOptions {
  readonly store: Store;
  /** One client per member. */
  readonly clients: readonly Client[];
  readonly random: Random;
  readonly ms: number;
  /** Whether the members are ours, which have switches for faults of their disks. */
  readonly ours: boolean;
  /** Operations of rounds before whose outcome is unknown: they may still take effect. */
  readonly lost: readonly Operation[];
  readonly signal: AbortSignal;
}

export interface RoundResult {
  readonly history: History;
  readonly violations: readonly Violation[];
  /** Faults that struck, by kind. */
  readonly struck: ReadonlyMap<string, number>;
  readonly checkMs: number;
}

const clientCount = 8;
const keyCount = 12;
/** A client's pause between two operations, at most. */
const pauseMs = 25;
/** After it has been healed the store must serve again within this time. */
const recoveryMaxMs = 120_000;
const gapMs = 1000;
const weights = {
  put: 8,
  get: 6,
  range: 4,
  delete: 3,
  compareAndSwap: 6,
  multiTxn: 5,
  compact: 0.4,
  leaseGrant: 1,
  leaseKeepAlive: 2,
  leaseRevoke: 1,
  leaseTimeToLive: 0,
};
const weightUnits = 5;

const started = process.hrtime.bigint();
/** The one clock of all histories of this process. */
const nowMicros = (): number => Number((process.hrtime.bigint() - started) / 1000n);

export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const round = new Round(options);
  return round.run();
}

class Round {
  readonly #options: RoundOptions;
  readonly #recorder = new Recorder(nowMicros);
  readonly #knowledge = new Knowledge();
  readonly #struck = new Map<string, number>();
  readonly #random: RandomStream;
  /** What the round asked for before its history began, and got no answer to. */
  readonly #early: Operation[] = [];
  #working = true;

  constructor(options: RoundOptions) {
    this.#options = options;
    this.#random = options.random.stream('faults');
  }

  async run(): Promise<RoundResult> {
    const { signal, store } = this.#options;
    try {
      this.#recorder.base = await this.#base();
    } catch (error) {
      return { history: this.#recorder.history(), violations: [notRecovered(error)], struck: this.#struck, checkMs: 0 };
    }
    this.#knowledge.revision = this.#recorder.base.revision;
    const watchers = this.#watchers();
    const clients = Array.from({ length: clientCount }, (_, i) => this.#client(`c${i}`));
    const end = performance.now() + this.#options.ms;
    const meddling = this.#meddle(watchers, end);
    const stuck: Violation[] = [];
    try {
      while (performance.now() < end && !signal.aborted) await this.#fault(end);
    } catch (error) {
      // A fault that could not be undone: the store has not recovered.
      stuck.push(notRecovered(error));
    } finally {
      this.#working = false;
      await healAll(store);
      await Promise.all([...clients, meddling]);
    }
    if (!signal.aborted && stuck.length === 0) stuck.push(...(await this.#settle(watchers)));
    for (const watcher of watchers) watcher.stop();
    for (const observation of leadersIn(store)) this.#recorder.leader(observation);
    const history = withLost(this.#recorder.history(), [...this.#options.lost, ...this.#early]);
    const checking = performance.now();
    const { violations } = checkHistory(history);
    const checkMs = performance.now() - checking;
    return { history, violations: [...stuck, ...violations], struck: this.#struck, checkMs };
  }

  /** The whole state, compacted, so that nothing from before can be asked for. */
  async #base(): Promise<Base> {
    let base: Base | undefined;
    await until(
      'the store shows its state',
      async () => {
        // So that there is something to compact in a store without any revisions.
        await this.#ask({ kind: 'put', key: 'k0', value: 'begin' });
        const read = await this.#ask({ kind: 'range', key: '\0', end: '\0' });
        if (read?.kind !== 'range') return false;
        await this.#ask({ kind: 'compact', revision: read.revision });
        const again = await this.#ask({ kind: 'range', key: '\0', end: '\0' });
        // Compacted now, or as the end of a compaction that had no answer; nothing was changed meanwhile.
        const old = await perform(this.#anyClient(), { kind: 'range', key: 'k', revision: read.revision - 1 });
        const compacted = old.kind === 'failed' && old.error.includes('compacted');
        if (again?.kind !== 'range' || again.revision !== read.revision || !compacted) return false;
        const leases = [...new Set(again.kvs.map(({ lease }) => lease))].filter((lease) => lease !== '0');
        base = {
          revision: again.revision,
          compactRevision: again.revision,
          kvs: again.kvs,
          leases: leases.map((lease) => ({ lease, ttlSeconds: 0 })),
        };
        return true;
      },
      recoveryMaxMs,
    );
    if (base === undefined) throw new Error('no state');
    return base;
  }

  #anyClient(): Client {
    const client = this.#options.clients[this.#random.int(this.#options.clients.length)];
    if (client === undefined) throw new Error('no members');
    return client;
  }

  async #ask(request: Request) {
    const outcome = await perform(this.#anyClient(), request);
    const early = { id: 0, client: 'begin', invoke: 0, return: 0, request, outcome };
    if (outcome.kind === 'unknown' && request.kind !== 'range') this.#early.push(early);
    return outcome.kind === 'ok' ? outcome.response : undefined;
  }

  #watchers(): Watcher[] {
    const from = this.#recorder.base.revision + 1;
    const plain = { prevKv: false, noPut: false, noDelete: false, progressNotify: false };
    const requests = [
      { ...plain, key: 'k', end: 'l', startRevision: from, prevKv: true },
      { ...plain, key: 'k', end: 'l', startRevision: from, progressNotify: true },
      { ...plain, key: 'k1', end: '\0', startRevision: 0, prevKv: true, noDelete: true },
      { ...plain, key: 'k3', startRevision: from, noPut: true },
    ];
    const { clients, random } = this.#options;
    return requests.map((request, i) => {
      const name = `w${i}`;
      return new Watcher({ name, recorder: this.#recorder, random: random.stream(name), clients, request });
    });
  }

  /** One operation after the other, mostly with the same member. */
  async #client(name: string): Promise<void> {
    const random = this.#options.random.stream(name);
    const operations = Object.fromEntries(
      Object.entries(weights).map(([kind, weight]) => [kind, Math.round(weight * weightUnits)]),
    ) as Record<keyof typeof weights, number>;
    // Values are unique over all rounds.
    const author = `${name}-${nowMicros()}`;
    const source = new RequestSource(author, { keys: keyCount, valueBytes: 0, operations }, random, this.#knowledge);
    let at = random.int(this.#options.clients.length);
    for (let incarnation = 0; this.#working; ) {
      const client = this.#options.clients[at];
      if (client === undefined) return;
      const request = source.next();
      const pending = this.#recorder.begin(`${name}.${incarnation}`, request);
      const outcome = await perform(client, request);
      pending.end(outcome);
      if (outcome.kind === 'ok') this.#knowledge.learn(request, outcome.response);
      // After an outcome that is unknown a client is another one, with another member.
      if (outcome.kind === 'unknown') incarnation++;
      if (outcome.kind !== 'ok' || random.int(50) === 0) at = random.int(this.#options.clients.length);
      await sleep(random.int(pauseMs));
    }
  }

  async #meddle(watchers: readonly Watcher[], end: number): Promise<void> {
    const random = this.#options.random.stream('meddle');
    while (this.#working && performance.now() < end) {
      const watcher = watchers[random.int(watchers.length)];
      if (random.int(2) === 0) watcher?.reconnect();
      else watcher?.dawdle(random.int(2000));
      watchers[0]?.askProgress();
      await sleep(300 + random.int(1500));
    }
  }

  async #fault(end: number): Promise<void> {
    const { store, clients, signal } = this.#options;
    const random = this.#random;
    await sleep(200 + random.int(gapMs));
    const possible = faults.filter(({ ours }) => !ours || this.#options.ours);
    const fault = possible[random.int(possible.length)];
    if (fault === undefined || performance.now() > end || signal.aborted) return;
    const [least, more] = fault.lasts;
    const lasts = least + random.int(more);
    const target = { store, clients, random, leader: () => this.#leader() };
    // A member with a bad disk may have ended after its disk was mended.
    await healAll(store);
    const { heal, text } = await fault.strike(target);
    this.#recorder.fault(text);
    this.#struck.set(fault.name, (this.#struck.get(fault.name) ?? 0) + 1);
    await sleep(lasts);
    await heal();
    this.#recorder.fault(`end of: ${text}`);
  }

  /** The first member that says it leads. */
  async #leader(): Promise<number | undefined> {
    const { clients } = this.#options;
    const asked = clients.map((client) => unaryCall(client, api.status, {}, 500));
    const answers = await Promise.allSettled(asked);
    const at = answers.findIndex((answer) => {
      return answer.status === 'fulfilled' && answer.value.header?.member_id === answer.value.leader;
    });
    return at < 0 ? undefined : at;
  }

  /** Everybody serves again, watches are told everything, members agree. */
  async #settle(watchers: readonly Watcher[]): Promise<Violation[]> {
    try {
      let last = 0;
      const write = async (): Promise<boolean> => {
        last = (await this.#recorded({ kind: 'put', key: 'k0', value: 'calm' })) ?? 0;
        return last > 0;
      };
      await until('writes succeed', write, recoveryMaxMs);
      await until(
        'watches are told everything',
        () => {
          for (const watcher of watchers) watcher.askProgress();
          return watchers.every(({ told }) => told >= last);
        },
        recoveryMaxMs,
      );
      await until('the members agree', () => this.#hashes(), recoveryMaxMs);
      return [];
    } catch (error) {
      return [notRecovered(error)];
    }
  }

  async #recorded(request: Request): Promise<number | undefined> {
    const pending = this.#recorder.begin('settle', request);
    const outcome = await perform(this.#anyClient(), request);
    pending.end(outcome);
    return outcome.kind === 'ok' ? outcome.response.revision : undefined;
  }

  /** Whether all answer for the same revision; then their hashes are written down. */
  async #hashes(): Promise<boolean> {
    const { clients, store } = this.#options;
    const asked = clients.map((client) => unaryCall(client, api.hashKv, { revision: 0 }, 5000));
    const answers = await Promise.allSettled(asked);
    const known = answers.flatMap((answer, i) => {
      if (answer.status === 'rejected') return [];
      const { header, hash, compact_revision: compactRevision } = answer.value;
      return [{ member: store.members[i]?.name ?? '', revision: header?.revision ?? 0, compactRevision, hash }];
    });
    const same = new Set(known.map(({ revision, compactRevision }) => `${revision} ${compactRevision}`)).size === 1;
    if (known.length < clients.length || !same) return false;
    for (const hash of known) this.#recorder.hash(hash);
    return true;
  }
}

function notRecovered(error: unknown): Violation {
  return { guarantee: 'recovery', text: error instanceof Error ? error.message : String(error), evidence: [] };
}

function withLost(history: History, lost: readonly Operation[]): History {
  // They come from before this history; their ids must not be those of others.
  const first = history.operations.reduce((most, { id }) => Math.max(most, id), 0) + 1;
  const earlier = lost.map((operation, i) => ({ ...operation, id: first + i, invoke: 0 }));
  return { ...history, operations: [...earlier, ...history.operations] };
}
