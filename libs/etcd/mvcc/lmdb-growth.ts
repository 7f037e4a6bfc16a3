// How far a commit can make lmdb's file grow, at most. Its file is made as long as that beforehand, of real blocks (`lmdb-room.ts`): what
// lmdb does where the disk takes less than it is given is not to be relied on. Facts of lmdb's mdb.c (mdb_page_touch, mdb_split,
// mdb_rebalance, mdb_freelist_save): each page that a commit changes is written to another place, old ones are free only later.
import type { Change } from './pending-changes.ts';

export const pageBytes = 4096;
/** A value that leaves room for fewer than two of its size on a page goes onto pages of its own. */
const ownPagesFrom = pageBytes / 2 - 128;
/** Of a node on a page, and of a page. */
const headBytes = 24;
/** A key somewhere in a tree: its leaf, one more where that is split, or a neighbour that it is joined with or borrows from. */
const pagesPerKey = 3;
/** Splits of branches, by the leaves below them: a branch has more than so many. */
const leavesPerBranch = 20;
/** Roots, the main tree of the buckets' names, the free list's own branches. */
const fixedPages = 64;
const freeEntryBytes = 8;

/** Of the trees before the commit. */
export interface TreePages {
  readonly branches: number;
  readonly free: number;
}

/** @param isAppended whether a change goes behind everything that its bucket has: such ones fill page after page. */
export function pagesAtMost(changes: readonly Change[], trees: TreePages, isAppended: (change: Change) => boolean): number {
  let pages = 0;
  let appendedBytes = 0;
  for (const change of changes) {
    const length = change.value?.length ?? 0;
    const own = length > ownPagesFrom;
    if (own) pages += Math.ceil((length + headBytes) / pageBytes);
    if (isAppended(change)) appendedBytes += headBytes + change.key.length + (own ? headBytes : length);
    else pages += pagesPerKey;
  }
  // Half a page may stay empty in each.
  pages += 2 * Math.ceil(appendedBytes / pageBytes) + pagesPerKey;
  pages += trees.branches + Math.ceil(pages / leavesPerBranch);
  const freed = trees.free + pages;
  return pages + 2 * Math.ceil((freed * freeEntryBytes) / pageBytes) + fixedPages;
}
