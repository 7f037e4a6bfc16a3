// etcdserverpb.Watch: one stream carries many watchers. A stream whose client does not read is blocked: its watchers wait in the
// hub and cost no memory. Of what many watchers get only the watch id is their own: the rest is encoded once.

import type { Timer } from '@drydock/foundation/clock.ts';
import { EtcdError, goStatusText } from '../errors.ts';
import { limits } from '../limits.ts';
import { keyRange } from '../mvcc/key-range.ts';
import type { StoreEvent } from '../mvcc/store.ts';
import type { EtcdServer } from '../server/server.ts';
import type { Watcher, WatchSink } from '../watch/hub.ts';
import { EncodedHeader, encodedEvents } from './encoded-events.ts';
import { noDeleteFilter, noPutFilter, type WatchCreateRequest, WatchRequest, WatchResponse } from './messages.ts';
import { decode, encode, type MessageOf } from './protobuf.ts';
import { requireLeader, type Service, type StreamCall, type StreamHandler, service } from './service.ts';

/** The id of responses that concern the whole stream. */
const streamWatchId = -1;
const WatchIdOnly = { watch_id: WatchResponse.watch_id };

export function watchService(server: EtcdServer, progressMs: number): Service {
  const headers = new EncodedHeader(server);
  return service('etcdserverpb.Watch', {
    Watch: {
      kind: 'stream',
      open: (call) => {
        requireLeader(call.metadata, server.hasLeader);
        return new WatchStream(server, headers, call, progressMs);
      },
    },
  });
}

/** One watcher of a stream. */
interface Registered {
  readonly id: number;
  /** As a field of a WatchResponse. */
  readonly idField: Buffer;
  readonly watcher: Watcher;
  readonly prevKv: boolean;
  readonly fragment: boolean;
  readonly progress: boolean;
  /** Whether something was sent since the last round of progress notifications. */
  active: boolean;
  /** It was compacted: nothing comes any more, but its id is taken until the client cancels it. */
  ended: boolean;
}

class WatchStream implements WatchSink, StreamHandler {
  readonly #server: EtcdServer;
  readonly #headers: EncodedHeader;
  readonly #call: StreamCall;
  readonly #progressMs: number;
  readonly #byId = new Map<number, Registered>();
  readonly #byWatcher = new Map<Watcher, Registered>();
  readonly #forgetLeader: () => void;
  /** Requests that are not done, the last one. */
  #working: Promise<void> | undefined;
  #nextId = 0;
  #blocked = false;
  #progressWanted = false;
  #progressTimer: Timer | undefined;
  #closed = false;

  constructor(server: EtcdServer, headers: EncodedHeader, call: StreamCall, progressMs: number) {
    this.#server = server;
    this.#headers = headers;
    this.#call = call;
    this.#progressMs = progressMs;
    const wantsLeader = call.metadata.get('hasleader') === 'true';
    this.#forgetLeader = wantsLeader ? server.onLeaderLost(() => this.#fail(new EtcdError('noLeader'))) : () => {};
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  send(watcher: Watcher, events: readonly StoreEvent[]): void {
    const registered = this.#byWatcher.get(watcher);
    if (registered === undefined) return;
    registered.active = true;
    const header = this.#headers.now();
    for (const part of encodedEvents(events, registered.prevKv, registered.fragment)) {
      this.#writeParts([header, registered.idField, part]);
    }
    this.#answerProgress();
  }

  caughtUp(): void {
    this.#answerProgress();
  }

  compacted(watcher: Watcher, compactRevision: number): void {
    const registered = this.#byWatcher.get(watcher);
    if (registered === undefined) return;
    this.#byWatcher.delete(watcher);
    registered.ended = true;
    this.#write({ watch_id: registered.id, canceled: true, compact_revision: compactRevision });
    this.#answerProgress();
  }

  message(raw: Buffer): void | Promise<void> {
    if (this.#closed) return;
    let request: MessageOf<typeof WatchRequest>;
    try {
      request = decode(WatchRequest, raw);
    } catch (error) {
      this.#fail(error);
      return;
    }
    // In their order, also where one has to wait for who asks: a cancellation must find the watcher that it is about.
    const done = this.#working === undefined ? this.#do(request) : this.#working.then(() => this.#do(request));
    if (done === undefined) return;
    const working = done.finally(() => {
      if (this.#working === working) this.#working = undefined;
    });
    this.#working = working;
    return working;
  }

  #do(request: MessageOf<typeof WatchRequest>): void | Promise<void> {
    if (this.#closed) return;
    if (request.create_request !== undefined) {
      if (this.#server.access.enabled) return this.#createPermitted(request.create_request);
      this.#create(request.create_request);
    } else if (request.cancel_request !== undefined) this.#cancel(request.cancel_request.watch_id);
    else if (request.progress_request !== undefined) {
      this.#progressWanted = true;
      this.#answerProgress();
    }
  }

  async #createPermitted(request: WatchCreateRequest): Promise<void> {
    const { access, machine } = this.#server;
    try {
      const identity = await access.identify(this.#call);
      machine.guard.range(identity, { key: request.key === '' ? '\0' : request.key, range_end: request.range_end });
    } catch (error) {
      if (error instanceof EtcdError) this.#refuse(goStatusText(error));
      else this.#fail(error);
      return;
    }
    if (!this.#closed) this.#create(request);
  }

  #create(request: WatchCreateRequest): void {
    if (request.start_revision < 0) {
      this.#refuse(new EtcdError('compacted').message);
      return;
    }
    const range = keyRange(request.key === '' ? '\0' : request.key, request.range_end);
    if (range.to !== undefined && range.to <= range.from) {
      this.#refuse('mvcc: watcher range is empty');
      return;
    }
    let id = request.watch_id;
    if (id !== 0 && this.#byId.has(id)) {
      this.#refuse('mvcc: duplicate watch ID provided on the WatchStream');
      return;
    }
    if (id === 0) {
      while (this.#byId.has(this.#nextId)) this.#nextId++;
      id = this.#nextId++;
    }
    this.#write({ watch_id: id, created: true });
    const spec = {
      range,
      wantsPut: !request.filters.includes(noPutFilter),
      wantsDelete: !request.filters.includes(noDeleteFilter),
      startRevision: request.start_revision,
    };
    const watcher = this.#server.machine.hub.add(spec, this);
    const { prev_kv: prevKv, fragment, progress_notify: progress } = request;
    const idField = encode(WatchIdOnly, { watch_id: id });
    const registered = { id, idField, watcher, prevKv, fragment, progress, active: false, ended: false };
    this.#byId.set(id, registered);
    this.#byWatcher.set(watcher, registered);
    if (progress) this.#progressTimer ??= this.#server.options.clock.timer(this.#progressMs, () => this.#notifyProgress());
  }

  #refuse(reason: string): void {
    this.#write({ watch_id: streamWatchId, created: true, canceled: true, cancel_reason: reason });
  }

  #cancel(id: number): void {
    const registered = this.#byId.get(id);
    if (registered === undefined) return;
    if (!registered.ended) this.#server.machine.hub.remove(registered.watcher);
    this.#forget(registered);
    this.#write({ watch_id: id, canceled: true });
    this.#answerProgress();
  }

  #forget(registered: Registered): void {
    this.#byId.delete(registered.id);
    this.#byWatcher.delete(registered.watcher);
  }

  /**
   * An asked-for progress report is only true when every watcher of the stream has everything; as in etcd there is none without
   * watchers, nor for a stream with one that begins in the future.
   */
  #answerProgress(): void {
    if (!this.#progressWanted || this.#blocked) return;
    for (const { watcher, ended } of this.#byId.values()) if (!ended && !watcher.synced) return;
    this.#progressWanted = false;
    const { revision } = this.#server.machine.store;
    const future = [...this.#byId.values()].some(({ watcher, ended }) => !ended && watcher.spec.startRevision > revision);
    if (future || this.#byId.size === 0) return;
    this.#write({ watch_id: streamWatchId });
  }

  #notifyProgress(): void {
    this.#progressTimer = this.#server.options.clock.timer(this.#progressMs, () => this.#notifyProgress());
    for (const registered of this.#byId.values()) {
      if (registered.progress && !registered.active && registered.watcher.synced && !this.#blocked) {
        this.#write({ watch_id: registered.id });
      }
      registered.active = false;
    }
  }

  /** The header comes before the response's own fields. */
  #write(response: Partial<MessageOf<typeof WatchResponse>>): void {
    this.#writeParts([this.#headers.now(), encode(WatchResponse, response)]);
  }

  #writeParts(message: readonly Buffer[]): void {
    if (this.#closed) return;
    this.#call.writeParts(message);
    if (this.#isFull(limits.watchStreamBytes)) this.#blocked = true;
  }

  /** Never with nothing waiting: nobody would say when that is over. */
  #isFull(bytesMax: number): boolean {
    const { waitingBytes, isCrowded = false } = this.#call;
    return waitingBytes > bytesMax || (isCrowded && waitingBytes > 0);
  }

  /** May be called while another stream of the connection is given its events: this one's come first, then what is said about them. */
  drained(): void {
    void Promise.resolve().then(() => this.#unblock());
  }

  #unblock(): void {
    if (this.#closed || !this.#blocked || this.#isFull(limits.watchStreamBytes / 2)) return;
    this.#blocked = false;
    this.#server.machine.hub.unblocked();
    this.#answerProgress();
  }

  closed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forgetLeader();
    this.#progressTimer?.cancel();
    for (const watcher of this.#byWatcher.keys()) this.#server.machine.hub.remove(watcher);
    this.#byId.clear();
    this.#byWatcher.clear();
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.closed();
    this.#call.end(error);
  }
}
