// Reads any bbolt database: nested and inline buckets, overflow pages, every page size. Nothing that a file says is believed
// before it is checked: a damaged file gives a BoltError, never a wrong record silently out of bounds or an endless walk.
import { BoltError } from './errors.ts';
import {
  bucketElementFlag,
  bucketHeaderBytes,
  decodeMetaPage,
  elementBytes,
  type Meta,
  type PageHeader,
  pageFlag,
  pageHeaderBytes,
  readPageHeader,
  readPageId,
} from './format.ts';
import type { BoltRecord } from './writer.ts';

/** A file to read from at any place. `read` returns fewer bytes only at the end. */
export interface BoltSource {
  readonly size: number;
  read(offset: number, length: number): Buffer;
}

const pageBytesMin = 512;
const pageBytesMax = 1 << 25;

/** Chooses the meta page. Throws BoltError. */
export function openBolt(source: BoltSource): BoltBucket {
  const meta = readMeta(source);
  const { pageBytes, pages } = meta;
  if (pageBytes < pageBytesMin || pageBytes > pageBytesMax || pages * pageBytes > source.size) {
    throw new BoltError('damaged', `${pages} pages of ${pageBytes} bytes in a file of ${source.size} bytes`);
  }
  return new BoltBucket(new Pages(source, meta), meta.root, undefined);
}

/** The state of the database itself, for `snapshot status` and tests. Throws BoltError. */
export function readMeta(source: BoltSource): Meta {
  const metas: Meta[] = [];
  let failure: unknown;
  const tryAt = (offset: number): void => {
    try {
      metas.push(decodeMetaPage(source.read(offset, pageHeaderBytes * 8)));
    } catch (error) {
      if (!(error instanceof BoltError)) throw error;
      failure ??= error;
    }
  };
  tryAt(0);
  const known = metas[0];
  if (known !== undefined) tryAt(known.pageBytes);
  // Where the first meta is lost, the second lies at an unknown page size.
  else for (let offset = pageBytesMin; offset <= pageBytesMax && metas.length === 0; offset *= 2) tryAt(offset);
  const newest = metas.reduce<Meta | undefined>(
    (a, b) => (a === undefined || b.transaction > a.transaction ? b : a),
    undefined,
  );
  if (newest === undefined) throw failure;
  return newest;
}

/** A page with those behind it that belong to it; `data` is the whole of it, or an inline bucket's part of another page. */
interface Page {
  readonly header: PageHeader;
  readonly data: Buffer;
}

class Pages {
  readonly #source: BoltSource;
  readonly #meta: Meta;

  constructor(source: BoltSource, meta: Meta) {
    this.#source = source;
    this.#meta = meta;
  }

  get count(): number {
    return this.#meta.pages;
  }

  read(id: number): Page {
    const { pageBytes, pages } = this.#meta;
    if (id < 2 || id >= pages) throw new BoltError('damaged', `page ${id} is outside of the file`);
    const first = this.#source.read(id * pageBytes, pageBytes);
    const header = readPageHeader(first);
    if (header.id !== id) throw new BoltError('damaged', `page ${id} says it is page ${header.id}`);
    if (header.overflow === 0) return { header, data: first };
    if (id + header.overflow >= pages) throw new BoltError('damaged', `page ${id} goes on beyond the end of the file`);
    return { header, data: this.#source.read(id * pageBytes, (1 + header.overflow) * pageBytes) };
  }
}

/** A bucket: records and other buckets under keys in order. */
export class BoltBucket {
  readonly #pages: Pages;
  readonly #root: number;
  readonly #inline: Page | undefined;

  constructor(pages: Pages, root: number, inline: Page | undefined) {
    this.#pages = pages;
    this.#root = root;
    this.#inline = inline;
  }

  /** Records that are no buckets. The buffers are the caller's. */
  *records(): Iterable<BoltRecord> {
    for (const { flags, key, value } of this.#elements()) if ((flags & bucketElementFlag) === 0) yield { key, value };
  }

  *buckets(): Iterable<{ readonly name: Buffer; readonly bucket: BoltBucket }> {
    for (const { flags, key, value } of this.#elements()) {
      if ((flags & bucketElementFlag) !== 0) yield { name: key, bucket: this.#child(value) };
    }
  }

  /** undefined where there is none of this name. */
  bucket(name: string): BoltBucket | undefined {
    for (const found of this.buckets()) if (found.name.toString() === name) return found.bucket;
    return undefined;
  }

  #child(value: Buffer): BoltBucket {
    if (value.length < bucketHeaderBytes) throw new BoltError('damaged', 'a bucket without a header');
    const root = readPageId(value, 0);
    if (root !== 0) return new BoltBucket(this.#pages, root, undefined);
    const data = value.subarray(bucketHeaderBytes);
    if (data.length < pageHeaderBytes) throw new BoltError('damaged', 'an inline bucket without a page');
    return new BoltBucket(this.#pages, 0, { header: readPageHeader(data), data });
  }

  *#elements(): Iterable<{ flags: number; key: Buffer; value: Buffer }> {
    let previous: Buffer | undefined;
    for (const element of this.#walk(this.#inline ?? this.#pages.read(this.#root), { pages: 0 })) {
      if (previous !== undefined && Buffer.compare(previous, element.key) >= 0) {
        throw new BoltError('damaged', 'keys are not in order');
      }
      previous = element.key;
      yield element;
    }
  }

  *#walk(page: Page, seen: { pages: number }): Iterable<{ flags: number; key: Buffer; value: Buffer }> {
    const { header, data } = page;
    if (++seen.pages > this.#pages.count) throw new BoltError('damaged', `page ${header.id} is in its tree more than once`);
    if ((header.flags & pageFlag.leaf) !== 0) {
      yield* leafElements(page);
      return;
    }
    if ((header.flags & pageFlag.branch) === 0) throw new BoltError('damaged', `page ${header.id} is of kind ${header.flags}`);
    for (let i = 0; i < header.count; i++) {
      const at = elementAt(page, i);
      yield* this.#walk(this.#pages.read(readPageId(data, at + 8)), seen);
    }
  }
}

function* leafElements(page: Page): Iterable<{ flags: number; key: Buffer; value: Buffer }> {
  const { header, data } = page;
  for (let i = 0; i < header.count; i++) {
    const at = elementAt(page, i);
    const keyAt = at + data.readUInt32LE(at + 4);
    const valueAt = keyAt + data.readUInt32LE(at + 8);
    const end = valueAt + data.readUInt32LE(at + 12);
    if (end > data.length) throw new BoltError('damaged', `element ${i} of page ${header.id} goes beyond its end`);
    yield { flags: data.readUInt32LE(at), key: data.subarray(keyAt, valueAt), value: data.subarray(valueAt, end) };
  }
}

function elementAt({ header, data }: Page, i: number): number {
  const at = pageHeaderBytes + i * elementBytes;
  if (at + elementBytes > data.length)
    throw new BoltError('damaged', `page ${header.id} has no room for ${header.count} elements`);
  return at;
}
