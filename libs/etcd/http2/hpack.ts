// Header blocks (HPACK, RFC 7541): reading with the dynamic table of one connection, writing without one.
import { decodeHuffman } from './huffman.ts';

/** A block that cannot be read: the connection's table is lost with it. */
export class HpackError extends Error {
  override readonly name = 'HpackError';
}

/** Appendix A. */
const staticTable: readonly (readonly [string, string])[] = [
  ...[[':authority', ''] as const, [':method', 'GET'] as const, [':method', 'POST'] as const, [':path', '/'] as const],
  ...[[':path', '/index.html'] as const, [':scheme', 'http'] as const, [':scheme', 'https'] as const],
  ...['200', '204', '206', '304', '400', '404', '500'].map((code) => [':status', code] as const),
  ...[['accept-charset', ''] as const, ['accept-encoding', 'gzip, deflate'] as const],
  ...(
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control ' +
    'content-disposition content-encoding content-language content-length content-location content-range content-type cookie ' +
    'date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified ' +
    'link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie ' +
    'strict-transport-security transfer-encoding user-agent vary via www-authenticate'
  )
    .split(' ')
    .map((name) => [name, ''] as const),
];

/** What we let the other side keep, the protocol's default; and what an entry costs besides its characters (section 4.1). */
const tableBytesMax = 4096;
const entryOverheadBytes = 32;

const empty = Buffer.alloc(0);

/** The headers of one block, in order. */
export class Headers {
  /** Names and values in turn. */
  readonly #list: readonly string[];

  constructor(list: readonly string[]) {
    this.#list = list;
  }

  /** Names and values, in order. */
  *entries(): Generator<readonly [string, string]> {
    for (let i = 0; i < this.#list.length; i += 2) yield [this.#list[i] ?? '', this.#list[i + 1] ?? ''];
  }

  /** Of a name that is there twice, the last. */
  get(name: string): string | undefined {
    const list = this.#list;
    for (let i = list.length - 2; i >= 0; i -= 2) if (list[i] === name) return list[i + 1];
    return undefined;
  }
}

export class HeaderDecoder {
  /** The dynamic table: names and values, the newest last. */
  #names: string[] = [];
  #values: string[] = [];
  #bytes = 0;
  #bytesMax = tableBytesMax;
  #block: Buffer = empty;
  #at = 0;
  readonly #listBytesMax: number;

  /** @param listBytesMax of one decoded block, names and values and 32 bytes for each. */
  constructor(listBytesMax = Infinity) {
    this.#listBytesMax = listBytesMax;
  }

  /** Blocks must be given in the order in which they came. Throws HpackError; the table is of no use after it. */
  decode(block: Buffer): Headers {
    this.#block = block;
    this.#at = 0;
    const list: string[] = [];
    let bytes = 0;
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if (first >= 0x20 && first < 0x40) {
        // The table changes its size between blocks only (section 4.2).
        if (list.length > 0) throw new HpackError('the size of the table changes within a block');
        this.#resize(this.#integer(0x1f));
        continue;
      }
      let name: string;
      let value: string;
      if (first >= 0x80) {
        const index = this.#integer(0x7f);
        name = this.#nameAt(index);
        value = this.#valueAt(index);
      } else if (first >= 0x40) {
        name = this.#name(this.#integer(0x3f));
        value = this.#string();
        this.#add(name, value);
      } else {
        name = this.#name(this.#integer(0x0f));
        value = this.#string();
      }
      bytes += name.length + value.length + entryOverheadBytes;
      if (bytes > this.#listBytesMax) throw new HpackError('the headers are too large');
      list.push(name, value);
    }
    this.#block = empty;
    return new Headers(list);
  }

  /** An integer with a prefix (section 5.1); beyond 28 bits nothing here has a use for it. */
  #integer(prefix: number): number {
    let value = this.#byte() & prefix;
    if (value < prefix) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new HpackError('an integer is too large');
  }

  #string(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(0x7f);
    const from = this.#at;
    if (length > this.#block.length - from) throw new HpackError('a string runs past the end of its block');
    this.#at = from + length;
    if (!isHuffman) return this.#block.toString('latin1', from, this.#at);
    const text = decodeHuffman(this.#block.subarray(from, this.#at));
    if (text === undefined) throw new HpackError('a string is not in the Huffman code');
    return text;
  }

  #byte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw new HpackError('the block ends too early');
    return byte;
  }

  #name(index: number): string {
    return index === 0 ? this.#string() : this.#nameAt(index);
  }

  #nameAt(index: number): string {
    const name = staticTable[index - 1]?.[0] ?? this.#names[this.#names.length + staticTable.length - index];
    if (name === undefined) throw new HpackError(`there is no header ${index}`);
    return name;
  }

  #valueAt(index: number): string {
    const value = staticTable[index - 1]?.[1] ?? this.#values[this.#values.length + staticTable.length - index];
    if (value === undefined) throw new HpackError(`there is no header ${index}`);
    return value;
  }

  #add(name: string, value: string): void {
    this.#names.push(name);
    this.#values.push(value);
    this.#bytes += name.length + value.length + entryOverheadBytes;
    this.#evict();
  }

  #resize(bytes: number): void {
    if (bytes > tableBytesMax) throw new HpackError('a table larger than was allowed');
    this.#bytesMax = bytes;
    this.#evict();
  }

  #evict(): void {
    let count = 0;
    while (this.#bytes > this.#bytesMax) {
      this.#bytes -= (this.#names[count]?.length ?? 0) + (this.#values[count]?.length ?? 0) + entryOverheadBytes;
      count++;
    }
    if (count === 0) return;
    this.#names.splice(0, count);
    this.#values.splice(0, count);
  }
}

const literalLengthMax = 0x7f;

/** A block of literals that enter no table, so that it means the same on every connection. */
export function encodeHeaders(headers: readonly (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of headers) {
    const index = staticTable.findIndex(([n, v]) => n === name && v === value) + 1;
    if (index > 0) parts.push(Buffer.from([0x80 | index]));
    else parts.push(Buffer.from([0]), literal(name), literal(value));
  }
  return Buffer.concat(parts);
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const head: number[] = [Math.min(bytes.length, literalLengthMax)];
  if (bytes.length >= literalLengthMax) {
    let rest = bytes.length - literalLengthMax;
    for (; rest >= 0x80; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
    head.push(rest);
  }
  return Buffer.concat([Buffer.from(head), bytes]);
}
