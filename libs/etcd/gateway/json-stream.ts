// JSON values one after the other, as a client of a stream sends them, cut apart as they come.

/** A body that is no sequence of JSON objects. */
export class JsonStreamError extends Error {
  override readonly name = 'JsonStreamError';
}

export class JsonSplitter {
  readonly #bytesMax: number;
  #text = '';
  #depth = 0;
  #at = 0;
  #quoted = false;
  #escaped = false;

  /** `bytesMax` bounds one value. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The values that are complete. Throws JsonStreamError. */
  push(piece: string): unknown[] {
    this.#text += piece;
    const values: unknown[] = [];
    for (; this.#at < this.#text.length; this.#at++) {
      if (!this.#closes(this.#text[this.#at] ?? '')) continue;
      values.push(parse(this.#text.slice(0, this.#at + 1)));
      this.#text = this.#text.slice(this.#at + 1);
      this.#at = -1;
    }
    if (this.#text.length > this.#bytesMax) throw new JsonStreamError('http: request body too large');
    return values;
  }

  /** Whether this character ends a value. Throws where none can be. */
  #closes(character: string): boolean {
    if (this.#quoted) {
      if (this.#escaped) this.#escaped = false;
      else if (character === '\\') this.#escaped = true;
      else if (character === '"') this.#quoted = false;
      return false;
    }
    if (character === '"') this.#quoted = true;
    else if (character === '{') this.#depth++;
    else if (character === '}') return --this.#depth === 0;
    else if (this.#depth === 0 && character.trim() !== '') {
      throw new JsonStreamError(`invalid character '${character}' looking for beginning of value`);
    }
    return false;
  }
}

/** Whole numbers that a double cannot hold stay text, as an int64 may be in JSON anyway. Throws JsonStreamError. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text, exact);
  } catch (cause) {
    throw new JsonStreamError((cause as Error).message, { cause });
  }
}

type Reviver = (name: string, value: unknown, context?: { readonly source?: string }) => unknown;

const exact: Reviver = (_name, value, { source } = {}) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source) ? source : value;
