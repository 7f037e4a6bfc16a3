// Who leads, and what it proclaims, as a stream: every value of the leader, then those of the next one. What came and went while
// nobody was followed may be missing; the newest never is.
import { limits } from '../limits.ts';
import type { StoreEvent } from '../mvcc/store.ts';
import { LeaderResponse } from './coordination-messages.ts';
import { firstKv, type LocalClient, prefixRange } from './local-client.ts';
import { KeyValue, type ResponseHeader } from './messages.ts';
import { decode, encode } from './protobuf.ts';
import type { StreamCall } from './service.ts';

export class ElectionObserver {
  readonly #client: LocalClient;
  readonly #call: StreamCall;
  #prefix = '';
  #endWatch: () => void = () => {};
  #closed = false;

  constructor(client: LocalClient, call: StreamCall) {
    this.#client = client;
    this.#call = call;
  }

  /** While true, events wait in the store's history. */
  get blocked(): boolean {
    return this.#call.waitingBytes > limits.watchStreamBytes;
  }

  drained(): void {
    if (!this.blocked) this.#client.server.machine.hub.unblocked();
  }

  /** `prefix` of the candidates' keys. */
  observe(prefix: string): void {
    this.#prefix = prefix;
    this.#findLeader().catch((error) => this.#fail(error));
  }

  close(): void {
    this.#closed = true;
    this.#endWatch();
  }

  async #findLeader(): Promise<void> {
    const response = await this.#client.firstCreated(this.#call, this.#prefix);
    const [kv] = response.kvs;
    const revision = response.header?.revision ?? 0;
    if (kv === undefined) return this.#awaitCandidate(revision);
    this.#send(response.header, kv);
    return this.#follow(firstKv(response)?.key ?? '', revision + 1);
  }

  /** The first key that is put under the prefix is the leader's. */
  #awaitCandidate(revision: number): Promise<void> {
    return this.#watch(prefixRange(this.#prefix), revision, (events) => {
      const put = events.find(({ type }) => type === 'put');
      if (put === undefined) return false;
      const { mod_revision: changed } = decode(KeyValue, put.kv);
      this.#send(this.#client.server.header(changed), put.kv);
      this.#go(() => this.#follow(put.key, changed + 1));
      return true;
    });
  }

  #follow(key: string, revision: number): Promise<void> {
    return this.#watch({ key, range_end: '' }, revision, (events) => {
      for (const event of events) {
        if (event.type === 'delete') {
          this.#go(() => this.#findLeader());
          return true;
        }
        this.#send(this.#client.server.header(), event.kv);
      }
      return false;
    });
  }

  /** Until `done` says that it is over. */
  async #watch(
    range: { readonly key: string; readonly range_end: string },
    revision: number,
    done: (events: readonly StoreEvent[]) => boolean,
  ): Promise<void> {
    const observer = this;
    const end = await this.#client.watch(this.#call, range, revision, {
      get blocked() {
        return observer.blocked;
      },
      events: (events, endNow) => {
        if (done(events)) endNow();
      },
      failed: () => this.#fail(undefined),
    });
    this.#endWatch = end;
    if (this.#closed) end();
  }

  /** Not from within a change of the store. */
  #go(step: () => Promise<void>): void {
    Promise.resolve()
      .then(() => (this.#closed ? undefined : step()))
      .catch((error) => this.#fail(error));
  }

  #send(header: ResponseHeader | undefined, kv: Buffer): void {
    if (!this.#closed) this.#call.write(encode(LeaderResponse, { header, kv }));
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#call.end(error);
  }
}
