// Sets a store's clock past revisions that were given out in a history that it has lost: what `etcdutl snapshot restore
// --bump-revision --mark-compacted` does to a snapshot, done to a store that runs.
import { passRevisionBatch, passRevisionMargin, passRevisionMaxWrites } from '../limits.ts';
import { type Store, StoreError } from './store.ts';

/** Written again and again, one revision each, and removed at the end: where it is there, somebody has begun and not ended. */
const key = 'drydock/lost-revision';

/** Either the store's revision is beyond the lost ones, or `missing` is more than can be written. */
export type Passed = { readonly revision: number; readonly writes: number } | { readonly missing: number };

/**
 * Writes until the store's revision is beyond `lost` by a margin (other servers may have seen a little more), then compacts
 * there, so that watchers of the lost revisions are told. Several servers may do it at once, and one that failed on the way may
 * do it again. Fails with StoreError.
 */
export async function passRevision(store: Store, lost: number): Promise<Passed> {
  let writes = 0;
  for (;;) {
    const { revision, count } = await store.range({ key, countOnly: true });
    const missing = lost + passRevisionMargin - revision;
    if (revision > lost && count === 0) return { revision, writes };
    if (missing <= 0) return { revision: await finish(store, revision), writes };
    if (writes + missing > passRevisionMaxWrites) return { missing };
    const value = Buffer.from(String(lost));
    const batch = Math.min(missing, passRevisionBatch);
    await Promise.all(Array.from({ length: batch }, () => store.txn({ guards: [], writes: [{ op: 'put', key, value }] })));
    writes += batch;
  }
}

/** The key goes last: it says that the compaction may still be missing. */
async function finish(store: Store, revision: number): Promise<number> {
  await store.compact(revision).catch((error: unknown) => {
    // Another server was faster, with a later revision.
    if (!(error instanceof StoreError) || error.code !== 'compacted') throw error;
  });
  return (await store.txn({ guards: [], writes: [{ op: 'delete', key }] })).revision;
}
