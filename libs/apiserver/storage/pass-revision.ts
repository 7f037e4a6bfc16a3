// Sets a store's clock past revisions that were given out in a history that it has lost: what `etcdutl snapshot restore
// --bump-revision --mark-compacted` does to a snapshot, done to a store that runs.
import { passRevisionBatch, passRevisionMargin, passRevisionMaxWrites } from '../limits.ts';
import { type Store, StoreError } from './store.ts';

/** Written again and again, one revision each, and removed at the end. */
const key = 'drydock/lost-revision';

/**
 * Writes until the store's revision is beyond `lost` by a margin (other servers may have seen a little more), then compacts
 * there, so that watchers of the lost revisions are told. Several servers may do it at once. Fails with StoreError; `other`
 * where it would take more than passRevisionMaxWrites.
 */
export async function passRevision(
  store: Store,
  lost: number,
): Promise<{ readonly revision: number; readonly writes: number }> {
  let writes = 0;
  for (;;) {
    const { revision } = await store.range({ key, countOnly: true });
    const missing = lost + passRevisionMargin - revision;
    if (revision > lost && writes === 0) return { revision, writes };
    if (missing <= 0) break;
    if (writes + missing > passRevisionMaxWrites) {
      throw new StoreError('other', `${missing} revisions are missing: restore with --bump-revision and --mark-compacted`);
    }
    const value = Buffer.from(String(lost));
    const batch = Math.min(missing, passRevisionBatch);
    await Promise.all(Array.from({ length: batch }, () => store.txn({ guards: [], writes: [{ op: 'put', key, value }] })));
    writes += batch;
  }
  const { revision } = await store.txn({ guards: [], writes: [{ op: 'delete', key }] });
  await store.compact(revision).catch((error: unknown) => {
    // Another server was faster, with a later revision.
    if (!(error instanceof StoreError) || error.code !== 'compacted') throw error;
  });
  return { revision, writes };
}
