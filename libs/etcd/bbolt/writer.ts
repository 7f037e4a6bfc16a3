// Writes a bbolt database in one go, from buckets whose records are there in order. The meta pages stand first in the file and
// name the root, which is finished last: so a file is made in two passes over the same records, `measure` and `write`. That takes
// neither a temporary file nor memory, and the length is known before the first byte is sent.
import { assert } from '@drydock/foundation/assert.ts';
import {
  bucketElementFlag,
  bucketHeaderBytes,
  encodeMetaPage,
  type Meta,
  pageBytesDefault,
  pageFlag,
  pageHeaderBytes,
} from './format.ts';
import { PageRun, TreeWriter } from './tree-writer.ts';

export interface BoltRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** `records` gives the same records every time: keys ascend strictly, byte by byte, and none is empty. */
export interface BoltBucketSource {
  readonly name: string;
  records(): Iterable<BoltRecord>;
}

const freelistPage = 2;
const firstTreePage = 3;
/** bbolt's two meta pages have transactions 0 and 1 in an empty file. */
const lastTransaction = 1;

/** The place of everything in a file that is to be written. */
export type BoltLayout = Meta;

/** Bytes of the file. */
export function boltBytes(layout: BoltLayout): number {
  return layout.pages * layout.pageBytes;
}

/** First pass. Yields after every page, so that the caller can let others have their turn. */
export function* measureBolt(
  buckets: readonly BoltBucketSource[],
  pageBytes = pageBytesDefault,
): Generator<undefined, BoltLayout> {
  const pages = treePages(buckets, new PageRun(pageBytes, firstTreePage, true));
  for (;;) {
    const step = pages.next();
    if (step.done === true) return step.value;
    yield undefined;
  }
}

/**
 * Second pass: the file from its first byte to its last, in whole pages. The buckets must be as they were when measured. The bytes
 * of a page stay only until the next one is asked for.
 */
export function* writeBolt(buckets: readonly BoltBucketSource[], layout: BoltLayout): Generator<Buffer, void> {
  for (const id of [0, 1]) yield encodeMetaPage(id, { ...layout, transaction: id });
  const freelist = new PageRun(layout.pageBytes, freelistPage);
  freelist.add(pageFlag.freelist, 0, pageHeaderBytes, () => {});
  yield* freelist.take();
  const written = yield* treePages(buckets, new PageRun(layout.pageBytes, firstTreePage));
  assert(written.root === layout.root && written.pages === layout.pages, 'the buckets changed between measuring and writing');
}

function* treePages(buckets: readonly BoltBucketSource[], run: PageRun): Generator<Buffer, BoltLayout> {
  const roots: { name: Buffer; header: Buffer }[] = [];
  for (const bucket of buckets) {
    const tree = new TreeWriter(run);
    for (const { key, value } of bucket.records()) {
      tree.add({ flags: 0, key, value });
      yield* run.take();
    }
    const header = Buffer.alloc(bucketHeaderBytes);
    header.writeBigUInt64LE(BigInt(tree.finish()), 0);
    roots.push({ name: Buffer.from(bucket.name), header });
    yield* run.take();
  }
  roots.sort((a, b) => Buffer.compare(a.name, b.name));
  const tree = new TreeWriter(run);
  for (const { name, header } of roots) tree.add({ flags: bucketElementFlag, key: name, value: header });
  const root = tree.finish();
  yield* run.take();
  return { pageBytes: run.pageBytes, root, freelist: freelistPage, pages: run.next, transaction: lastTransaction };
}
