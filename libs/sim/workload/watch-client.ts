// A client that watches, writes down what it is told, and goes on where it was when a stream has ended.
import { WatchResponse as WatchAnswer, WatchRequest as WatchMessage } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode, type MessageOf } from '@drydock/etcd/rpc/protobuf.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { ClientCall } from '../calls.ts';
import type { SimClient } from '../client.ts';
import type { OpenWatch, Recorder } from '../history/recorder.ts';
import type { WatchRequest } from '../history/watch.ts';
import type { MemberHost } from '../member-host.ts';
import { pick, type SimOptions } from '../options.ts';
import type { Knowledge } from './requests.ts';
import { eventOf, watchCreateOf } from './wire.ts';

const retryUs = 500_000;
const progressEveryUs = 500_000;

const everything: WatchRequest = {
  key: 'a',
  end: '\0',
  startRevision: 0,
  prevKv: true,
  noPut: false,
  noDelete: false,
  progressNotify: true,
};

export interface WatchEnvironment {
  readonly client: SimClient;
  readonly recorder: Recorder;
  readonly random: RandomStream;
  readonly options: SimOptions;
  readonly knowledge: Knowledge;
  readonly hosts: () => readonly MemberHost[];
}

export class WatchClient {
  readonly #environment: WatchEnvironment;
  #call: ClientCall | undefined;
  #request: WatchRequest;
  /** Everything below was seen, or is not wanted. */
  #next = 0;
  #stopped = false;
  #settling = false;
  readonly #steady: boolean;

  /** @param steady watches every key from the beginning, reads at once and wants nothing else. */
  constructor(environment: WatchEnvironment, steady = false) {
    this.#environment = environment;
    this.#steady = steady;
    this.#next = steady ? 1 : 0;
    this.#request = steady ? everything : this.#draw();
  }

  start(): void {
    this.#open();
    if (!this.#steady) this.#meddle();
  }

  /**
   * Whether it misses nothing up to `revision`. A stream that was opened behind it counts too: as in etcd it gets no report of
   * progress before its first revision has come.
   */
  heardUpTo(revision: number): boolean {
    return this.#call !== undefined && this.#next > revision;
  }

  /** No more meddling: from now on it only wants to hear everything. */
  settle(): void {
    if (this.#settling) return;
    this.#settling = true;
    this.#call?.read(true);
    this.#askProgress();
  }

  stop(): void {
    this.#stopped = true;
    this.#call?.cancel();
  }

  #askProgress(): void {
    if (this.#stopped) return;
    this.#call?.write(encode(WatchMessage, { progress_request: {} }));
    this.#environment.client.life.after(progressEveryUs, () => this.#askProgress());
  }

  #open(): void {
    if (this.#stopped) return;
    const { client, random, recorder, hosts } = this.#environment;
    const [first, ...rest] = hosts();
    if (first === undefined) return;
    const host = pick(random, [first, ...rest]);
    const request = { ...this.#request, startRevision: this.#next };
    const record = recorder.watch(client.life.name, request);
    const call = client.stream(host, 'Watch/Watch');
    this.#call = call;
    call.onData = (answer) => this.#receive(call, record, decode(WatchAnswer, answer));
    call.onEnd = (error) => {
      client.cluster.world.note(`${client.life.name} watch ends: ${error?.message ?? 'by the server'}`);
      if (this.#call === call) this.#again();
    };
    call.write(encode(WatchMessage, { create_request: watchCreateOf(request, false) }));
  }

  #again(): void {
    const { client, random } = this.#environment;
    this.#call = undefined;
    client.life.after(random.next() * retryUs, () => {
      if (this.#call === undefined) this.#open();
    });
  }

  #receive(call: ClientCall, record: OpenWatch, answer: MessageOf<typeof WatchAnswer>): void {
    if (this.#call !== call) return;
    const revision = answer.header?.revision ?? 0;
    const { knowledge, client } = this.#environment;
    knowledge.revision = Math.max(knowledge.revision, revision);
    client.cluster.world.note(`${client.life.name} watch ${answer.events.length} at ${revision}`);
    if (answer.created) {
      record.add({ kind: 'created', revision, events: [] });
      if (this.#next === 0) this.#next = revision + 1;
    } else if (answer.canceled) {
      const reason = answer.cancel_reason === '' ? {} : { reason: answer.cancel_reason };
      const compacted = answer.compact_revision > 0 ? { compactRevision: answer.compact_revision } : {};
      record.add({ kind: 'canceled', revision, events: [], ...reason, ...compacted });
      if (answer.compact_revision > 0) this.#next = answer.compact_revision;
      call.cancel();
      this.#again();
    } else if (answer.events.length > 0) {
      const events = answer.events.map(eventOf);
      record.add({ kind: 'events', revision, events, ...(answer.fragment ? { fragment: true } : {}) });
      // Inside a revision that was sent in parts one cannot go on.
      const last = events.at(-1)?.kv.modRevision ?? 0;
      this.#next = Math.max(this.#next, answer.fragment ? last : last + 1);
    } else {
      record.add({ kind: 'progress', revision, events: [] });
      this.#next = Math.max(this.#next, revision + 1);
    }
  }

  /** Now and then: reads slowly, breaks off, asks for progress, or watches something else. */
  #meddle(): void {
    const { client, random } = this.#environment;
    client.life.after(random.next() * 6_000_000, () => {
      if (this.#stopped || this.#settling) return;
      const call = this.#call;
      switch (random.int(5)) {
        case 0:
          call?.read(false);
          client.life.after(random.next() * 4_000_000, () => call?.read(true));
          break;
        case 1:
          call?.cancel();
          if (call !== undefined) this.#again();
          break;
        case 2:
          call?.write(encode(WatchMessage, { progress_request: {} }));
          break;
        case 3:
          this.#request = this.#draw();
          this.#next = random.int(2) === 0 ? 0 : Math.max(1, this.#environment.knowledge.revision - random.int(30));
          call?.cancel();
          if (call !== undefined) this.#again();
          break;
        default:
      }
      this.#meddle();
    });
  }

  #draw(): WatchRequest {
    const { random, options } = this.#environment;
    const chance = (probability: number): boolean => random.next() < probability;
    const key = `k${random.int(options.keys)}`;
    const what = chance(0.6) ? { key: 'k', end: 'l' } : chance(0.5) ? { key } : { key, end: '\0' };
    return {
      ...what,
      startRevision: 0,
      prevKv: chance(0.4),
      noPut: chance(0.1),
      noDelete: chance(0.1),
      progressNotify: chance(0.5),
    };
  }
}
