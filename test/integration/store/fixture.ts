// What a test starts ends with it.
import { afterEach } from 'vitest';
import { StoreClient } from './client.ts';
import { Store, type StoreOptions } from './members.ts';

export interface StartedStore {
  readonly store: Store;
  readonly client: StoreClient;
}

/** For a file of tests: what starts a store and its client. Both end after the test, and before them what `atEnd` is given. */
export function storesOfTest() {
  let ends: (() => unknown)[] = [];
  afterEach(async () => {
    const all = ends.reverse();
    ends = [];
    for (const end of all) await end();
  });
  const atEnd = (end: () => unknown): void => {
    ends.push(end);
  };
  const start = async (options: StoreOptions): Promise<StartedStore> => {
    // Also where the test's time is over before it serves.
    const store = await Store.start(options, (made) => atEnd(() => made.stop()));
    const client = new StoreClient(store);
    atEnd(() => client.close());
    return { store, client };
  };
  return { start, atEnd };
}
