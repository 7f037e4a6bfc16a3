// Rewrites the links of an HTML document while it passes, byte for byte otherwise: what a backend sends costs time in proportion to
// its length and a bounded amount of memory, whatever it is.
import { Transform, type TransformCallback } from 'node:stream';
import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2';

/** The attributes that hold a link (HTML 4.01 index of attributes, HTML Living Standard). */
const linkAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

/** The longest value that is taken for a link, in bytes; longer ones pass as they are. */
const linkBytesMax = 8192;
/** How much of what has passed is kept for names that a piece of the stream cuts in two. */
const nameBytesMax = 64;
/** Every byte is one character: what is not ASCII passes unread, whatever the document's encoding says it is. */
const byteEncoding = 'latin1';

/**
 * A stream that passes a document on with `rewrite` applied to each of its links, as they are written: entities are not decoded, so
 * `rewrite` may only change what needs none.
 */
export function htmlLinks(rewrite: (link: string) => string): Transform {
  const pass = new Passage(rewrite);
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      done(null, Buffer.from(pass.write(chunk.toString(byteEncoding)), byteEncoding));
    },
    flush(done: TransformCallback) {
      done(null, Buffer.from(pass.end(), byteEncoding));
    },
  });
}

class Passage {
  readonly #rewrite: (link: string) => string;
  readonly #tokenizer: Tokenizer;
  /** What has come and is still looked at; `#text[0]` is byte `#start` of the document. */
  #text = '';
  #start = 0;
  /** Up to where the document has been sent. */
  #sent = 0;
  #out: string[] = [];
  #attributes: readonly string[] = [];
  /** Where the value of a link began and where it ends as far as is known. */
  #value: { start: number; end: number } | undefined;
  #isLink = false;

  constructor(rewrite: (link: string) => string) {
    this.#rewrite = rewrite;
    const callbacks: Partial<TokenizerCallbacks> = {
      onopentagname: (start, end) => {
        this.#attributes = linkAttributes[this.#name(start, end)] ?? [];
      },
      onattribname: (start, end) => {
        this.#isLink = this.#attributes.length > 0 && this.#attributes.includes(this.#name(start, end));
        this.#value = undefined;
      },
      onattribdata: (start, end) => {
        if (this.#isLink) this.#value = { start: this.#value?.start ?? start, end };
      },
      onattribend: () => this.#endValue(),
    };
    this.#tokenizer = new Tokenizer({ xmlMode: false, decodeEntities: false }, withDefaults(callbacks));
  }

  write(piece: string): string {
    this.#text += piece;
    this.#tokenizer.write(piece);
    const end = this.#start + this.#text.length;
    const held = this.#isLink ? this.#value?.start : undefined;
    if (held !== undefined && end - held > linkBytesMax) this.#isLink = false;
    return this.#flush(held !== undefined && this.#isLink ? held : end);
  }

  end(): string {
    this.#tokenizer.end();
    return this.#flush(this.#start + this.#text.length);
  }

  #endValue(): void {
    const value = this.#value;
    if (!this.#isLink || value === undefined) return;
    this.#isLink = false;
    this.#value = undefined;
    const link = this.#slice(value.start, value.end);
    const rewritten = this.#rewrite(link);
    if (rewritten === link) return;
    this.#out.push(this.#slice(this.#sent, value.start), rewritten);
    this.#sent = value.end;
  }

  /** What is to be sent now, up to byte `until`; a little of it is kept for names. */
  #flush(until: number): string {
    if (until > this.#sent) {
      this.#out.push(this.#slice(this.#sent, until));
      this.#sent = until;
    }
    const kept = Math.max(this.#start, Math.min(this.#sent - nameBytesMax, this.#start + this.#text.length));
    this.#text = this.#text.slice(kept - this.#start);
    this.#start = kept;
    const all = this.#out.join('');
    this.#out = [];
    return all;
  }

  #name(start: number, end: number): string {
    return start < this.#start || end - start > nameBytesMax ? '' : this.#slice(start, end).toLowerCase();
  }

  #slice(start: number, end: number): string {
    return this.#text.slice(start - this.#start, end - this.#start);
  }
}

const nothing = () => {};

function withDefaults(callbacks: Partial<TokenizerCallbacks>): TokenizerCallbacks {
  return {
    onattribdata: nothing,
    onattribentity: nothing,
    onattribend: nothing,
    onattribname: nothing,
    oncdata: nothing,
    onclosetag: nothing,
    oncomment: nothing,
    ondeclaration: nothing,
    onend: nothing,
    onopentagend: nothing,
    onopentagname: nothing,
    onprocessinginstruction: nothing,
    onselfclosingtag: nothing,
    ontext: nothing,
    ontextentity: nothing,
    ...callbacks,
  };
}
