// Lists that are asked for every second and hardly ever change: what was decoded once is recognised by its bytes. Engines give
// lists in any order, so each entry is looked at by itself.

/** Field 1, length-delimited: the one repeated field of a list response. */
const entryTag = 0x0a;

export class ListCache<T> {
  readonly #decode: (response: Buffer) => T[];
  #known = new Map<string, T>();

  /** `decode`: of a whole response, or of a part of it that holds whole entries. */
  constructor(decode: (response: Buffer) => T[]) {
    this.#decode = decode;
  }

  /** The entries of a response. `complete`: it lists everything, so that what is not in it can be forgotten. */
  read(response: Buffer, complete: boolean): T[] {
    const parts = entriesOf(response);
    if (parts === undefined) return this.#decode(response);
    const present = new Map<string, T>();
    const result = parts.map((part) => {
      const key = part.toString('latin1');
      const entry = this.#known.get(key) ?? this.#decode(part)[0];
      if (entry === undefined) throw new TypeError('an entry of a list decodes to nothing');
      present.set(key, entry);
      return entry;
    });
    if (complete) this.#known = present;
    return result;
  }
}

/** Each with its tag and length; undefined where the response has other fields. */
function entriesOf(response: Buffer): Buffer[] | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; at < response.length; ) {
    const start = at;
    if (response[at++] !== entryTag) return undefined;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = response[at++];
      if (byte === undefined || shift > 28) return undefined;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    at += length;
    if (at > response.length) return undefined;
    parts.push(response.subarray(start, at));
  }
  return parts;
}
