// A client that watches on real members, writes down what it is told, and goes on where it was when a stream has ended.
import { WatchResponse as Answer, WatchRequest as Message } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode, type MessageOf } from '@drydock/etcd/rpc/protobuf.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { OpenWatch, Recorder } from '@drydock/sim/history/recorder.ts';
import type { WatchRequest } from '@drydock/sim/history/watch.ts';
import { eventOf, watchCreateOf } from '@drydock/sim/workload/wire.ts';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';

const retryMs = 200;
const asIs = (bytes: Buffer): Buffer => bytes;
type Stream = ClientDuplexStream<Buffer, Buffer>;

export interface WatcherOptions {
  readonly name: string;
  readonly recorder: Recorder;
  readonly random: RandomStream;
  /** Clients of the members, to choose from. */
  readonly clients: readonly Client[];
  readonly request: WatchRequest;
}

export class Watcher {
  readonly #options: WatcherOptions;
  #stream: Stream | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;
  #next: number;
  /** Everything up to here was told. */
  told = 0;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#next = options.request.startRevision;
    this.#open();
  }

  /** Breaks off; it goes on with another member. */
  reconnect(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.cancel();
    if (this.#stopped) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#open(), retryMs);
  }

  /** Reads nothing for a while, so that the member has to hold events back. */
  dawdle(ms: number): void {
    const stream = this.#stream;
    stream?.pause();
    setTimeout(() => stream?.resume(), ms);
  }

  askProgress(): void {
    this.#stream?.write(encode(Message, { progress_request: {} }));
  }

  stop(): void {
    this.#stopped = true;
    this.reconnect();
    clearTimeout(this.#retry);
  }

  #open(): void {
    const { clients, random, recorder, name, request: first } = this.#options;
    const client = clients[random.int(clients.length)];
    if (client === undefined || this.#stopped) return;
    const request = { ...first, startRevision: this.#next };
    const record = recorder.watch(name, request);
    const stream: Stream = client.makeBidiStreamRequest('/etcdserverpb.Watch/Watch', asIs, asIs);
    this.#stream = stream;
    const ended = (): void => {
      if (this.#stream === stream) this.reconnect();
    };
    stream.on('error', ended);
    stream.on('end', ended);
    stream.on('data', (bytes: Buffer) => {
      if (this.#stream === stream) this.#receive(record, decode(Answer, bytes));
    });
    stream.write(encode(Message, { create_request: watchCreateOf(request, true) }));
  }

  #receive(record: OpenWatch, answer: MessageOf<typeof Answer>): void {
    const revision = answer.header?.revision ?? 0;
    if (answer.created && !answer.canceled) {
      record.add({ kind: 'created', revision, events: [] });
      if (this.#next === 0) this.#next = revision + 1;
    } else if (answer.canceled) {
      const compactRevision = answer.compact_revision > 0 ? { compactRevision: answer.compact_revision } : {};
      record.add({ kind: 'canceled', revision, events: [], reason: answer.cancel_reason, ...compactRevision });
      // What is gone is gone: it goes on from the compacted state, as an informer lists anew.
      if (answer.compact_revision > 0) this.#next = answer.compact_revision;
      this.reconnect();
    } else if (answer.events.length > 0) {
      const events = answer.events.map(eventOf);
      const last = events.at(-1)?.kv.modRevision ?? 0;
      record.add({ kind: 'events', revision, events, ...(answer.fragment ? { fragment: true } : {}) });
      // In the middle of a revision that came in parts one cannot go on.
      this.#tell(answer.fragment ? last - 1 : last);
    } else {
      record.add({ kind: 'progress', revision, events: [] });
      this.#tell(revision);
    }
  }

  #tell(revision: number): void {
    this.#next = Math.max(this.#next, revision + 1);
    this.told = Math.max(this.told, revision);
  }
}
