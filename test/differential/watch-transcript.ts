// What one watch stream was sent: per watcher its answers and its events in their order, however they were packed.
import { WatchRequest, WatchResponse } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode, type MessageOf } from '@drydock/etcd/rpc/protobuf.ts';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { rawFields, revisionOf } from './fields.ts';

const streamWatchId = -1;
/** A store that holds a watcher back answers no progress request: it is asked again. */
const askAgainMs = 40;
const waitMaxMs = 15_000;
const eventsNumber = 11;
/** A stream without watchers answers no progress request: this one is always there, on a key that nobody writes. */
const sentinel = { watch_id: 1000, key: '\0sentinel' };

type Response = MessageOf<typeof WatchResponse>;

export class WatchTranscript {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  /** By watch id; entries are answers or events in hex. */
  readonly #sent = new Map<number, string[]>();
  readonly #fragmented = new Set<number>();
  #waiting: { matches: (response: Response) => boolean; resolve: (line: string) => void }[] = [];
  #ended: string | undefined;
  /** Compacted watchers whose cancellation is not answered yet. */
  readonly #cancelling = new Set<number>();
  readonly #active = new Set<number>();

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    call.on('data', (raw: Buffer) => this.#receive(raw));
    call.on('error', (error) => {
      this.#ended = String(error);
      for (const { resolve } of this.#waiting.splice(0)) resolve(this.#ended);
    });
    this.#write({ create_request: sentinel as never });
  }

  close(): void {
    this.#call.cancel();
  }

  async create(
    request: Partial<MessageOf<typeof import('@drydock/etcd/rpc/messages.ts').WatchCreateRequest>>,
  ): Promise<string> {
    const answered = this.#waitFor(({ created, watch_id: id }) => created && id !== sentinel.watch_id);
    this.#write({ create_request: request as never });
    const line = await answered;
    // Where history is compacted, etcd says so some time later; until it is cancelled, its id is taken.
    const past = (request.start_revision ?? 0) > 0 && (request.start_revision ?? 0) <= Number(/ at (\d+)/.exec(line)?.[1]);
    if (past) await this.#progress();
    return line;
  }

  /** A watcher that is not there has no answer. What it was sent before comes first: after that it would be chance. */
  async cancel(id: number): Promise<string> {
    const before = await this.settled();
    const answered = this.#active.has(id) ? this.#waitFor((response) => response.canceled && response.watch_id === id) : '';
    this.#write({ cancel_request: { watch_id: id } });
    return [before, await answered, await this.settled()].join('\n');
  }

  /** Everything sent so far, once all watchers have what there is. */
  async settled(): Promise<string> {
    const outcome = await this.#progress();
    const lines = [...this.#sent].sort(([a], [b]) => a - b).map(([id, entries]) => `  watcher ${id}: ${entries.join(' ')}`);
    for (const id of this.#sent.keys()) this.#sent.set(id, []);
    return [outcome === 'no progress' || this.#ended !== undefined ? outcome : 'settled', ...lines].join('\n');
  }

  async #progress(): Promise<string> {
    const done = this.#waitFor((response) => isProgress(response) && this.#cancelling.size === 0);
    const ask = (): void => this.#write({ progress_request: {} });
    ask();
    const timer = setInterval(ask, askAgainMs);
    const late = new Promise<string>((resolve) => setTimeout(() => resolve('no progress'), waitMaxMs).unref());
    const outcome = await Promise.race([done, late]);
    clearInterval(timer);
    return outcome;
  }

  #write(request: Partial<MessageOf<typeof WatchRequest>>): void {
    if (this.#ended === undefined) this.#call.write(encode(WatchRequest, request));
  }

  #waitFor(matches: (response: Response) => boolean): Promise<string> {
    if (this.#ended !== undefined) return Promise.resolve(this.#ended);
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }

  #receive(raw: Buffer): void {
    const response = decode(WatchResponse, raw);
    const line = describe(response, raw);
    for (const waiting of this.#waiting.filter(({ matches }) => matches(response))) waiting.resolve(line);
    this.#waiting = this.#waiting.filter(({ matches }) => !matches(response));
    if (isProgress(response) || response.watch_id === sentinel.watch_id) return;
    if (response.canceled) this.#active.delete(response.watch_id);
    else this.#active.add(response.watch_id);
    const entries = this.#sent.get(response.watch_id) ?? [];
    this.#sent.set(response.watch_id, entries);
    if (response.events.length === 0) entries.push(line);
    else entries.push(...eventsOf(raw));
    // As clientv3 does it: a compacted watcher is still there in etcd, and holds back progress reports, until it is cancelled.
    if (response.compact_revision !== 0) {
      this.#write({ cancel_request: { watch_id: response.watch_id } });
      this.#cancelling.add(response.watch_id);
    } else if (response.canceled) this.#cancelling.delete(response.watch_id);
    if (response.fragment) this.#fragmented.add(response.watch_id);
    else if (this.#fragmented.delete(response.watch_id)) entries.push('(end of fragments)');
  }
}

function isProgress({ watch_id, created, canceled, events }: Response): boolean {
  return watch_id === streamWatchId && !created && !canceled && events.length === 0;
}

function eventsOf(raw: Buffer): string[] {
  return rawFields(raw)
    .filter(({ number }) => number === eventsNumber)
    .map(({ value }) => value);
}

function describe(response: Response, raw: Buffer): string {
  const { watch_id: id, created, canceled, compact_revision: compacted, cancel_reason: reason } = response;
  // A compacted watcher is cancelled some time after the compaction: at what revision is chance.
  const revision = created ? ` at ${revisionOf(raw)}` : '';
  return `[${id}${created ? ' created' : ''}${canceled ? ' canceled' : ''}${revision} ${compacted} ${reason}]`;
}
