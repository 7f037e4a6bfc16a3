// The whole of a folder of the store at one revision, in pages.
import { cachePageMaxItems } from '../limits.ts';
import { type KeyValue, prefixEnd } from '../storage/etcd-codec.ts';
import type { Store } from '../storage/store.ts';

/** Everything below `prefix`. Fails with StoreError; `compacted` where the first page's revision went before the last one. */
export async function readState(
  store: Store,
  prefix: string,
): Promise<{ readonly revision: number; readonly kvs: KeyValue[] }> {
  const kvs: KeyValue[] = [];
  let revision = 0;
  for (let key = prefix, more = true; more; ) {
    const page = await store.range({ key, rangeEnd: prefixEnd(prefix), limit: cachePageMaxItems, revision });
    revision ||= page.revision;
    for (const kv of page.kvs) kvs.push(kv);
    more = page.more;
    key = `${page.kvs.at(-1)?.key ?? ''}\0`;
  }
  return { revision, kvs };
}
