// Forgets old revisions of the store: every interval, all that is older than one interval; one server of several does it
// (k8s.io/apiserver/pkg/storage/etcd3/compact.go).
import type { Store } from './store.ts';

/** The key through which servers agree who compacts. */
const key = 'compact_rev_key';

export class Compactor {
  readonly #store: Store;
  #version = 0;
  #revision = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** One round, to be called once per interval. Compacts to the revision of this server's last round, if it wins. */
  async round(): Promise<void> {
    const result = await this.#store.txn({
      guards: [{ key, target: 'version', equals: this.#version }],
      writes: [{ op: 'put', key, value: Buffer.from(String(this.#revision)) }],
      otherwise: key,
    });
    if (!result.succeeded) {
      this.#version = result.current?.version ?? 0;
      this.#revision = result.revision;
      return;
    }
    const old = this.#revision;
    this.#version++;
    this.#revision = result.revision;
    if (old > 0) await this.#store.compact(old);
  }
}
