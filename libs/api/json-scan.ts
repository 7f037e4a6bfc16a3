// A second reading of JSON text, for what JSON.parse does not tell: Go's error messages and repeated keys.

/** Receives the structure in document order. */
export interface JsonVisitor {
  /** A key of the object being read; `repeated` when the same object had it before. */
  key(name: string, repeated: boolean): void;
  beginObject(): void;
  endObject(): void;
  beginArray(): void;
  /** Before each element. */
  element(index: number): void;
  endArray(): void;
  scalar(): void;
}

/** Looks at nothing: for the syntax alone. */
export const silentVisitor: JsonVisitor = {
  key() {},
  beginObject() {},
  endObject() {},
  beginArray() {},
  element() {},
  endArray() {},
  scalar() {},
};

/** A syntax error in the words of Go's encoding/json. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

const endOfInput = 'unexpected end of JSON input';

/** Walks `text`; throws JsonSyntaxError where it is not JSON. */
export function scanJson(text: string, visitor: JsonVisitor): void {
  const scanner = new Scanner(text, visitor);
  scanner.value();
  scanner.end();
}

class Scanner {
  private readonly text: string;
  private readonly visitor: JsonVisitor;
  private at = 0;

  constructor(text: string, visitor: JsonVisitor) {
    this.text = text;
    this.visitor = visitor;
  }

  end(): void {
    const char = this.peek();
    if (char !== '') throw unexpected(char, 'after top-level value');
  }

  value(): void {
    const char = this.peek();
    switch (char) {
      case '':
        throw new JsonSyntaxError(endOfInput);
      case '{':
        this.object();
        break;
      case '[':
        this.array();
        break;
      case '"':
        this.string();
        this.visitor.scalar();
        break;
      case 't':
        this.literal('true');
        break;
      case 'f':
        this.literal('false');
        break;
      case 'n':
        this.literal('null');
        break;
      default:
        this.number(char);
    }
  }

  private object(): void {
    this.at += 1;
    this.visitor.beginObject();
    const seen = new Set<string>();
    if (this.peek() === '}') {
      this.at += 1;
      this.visitor.endObject();
      return;
    }
    for (;;) {
      const quote = this.peek();
      if (quote !== '"') throw unexpected(quote, 'looking for beginning of object key string');
      const key = this.string();
      const colon = this.peek();
      if (colon !== ':') throw unexpected(colon, 'after object key');
      this.at += 1;
      this.visitor.key(key, seen.has(key));
      seen.add(key);
      this.value();
      const next = this.peek();
      if (next === '}') {
        this.at += 1;
        this.visitor.endObject();
        return;
      }
      if (next !== ',') throw unexpected(next, 'after object key:value pair');
      this.at += 1;
    }
  }

  private array(): void {
    this.at += 1;
    this.visitor.beginArray();
    if (this.peek() === ']') {
      this.at += 1;
      this.visitor.endArray();
      return;
    }
    for (let index = 0; ; index++) {
      this.visitor.element(index);
      this.value();
      const next = this.peek();
      if (next === ']') {
        this.at += 1;
        this.visitor.endArray();
        return;
      }
      if (next !== ',') throw unexpected(next, 'after array element');
      this.at += 1;
    }
  }

  private string(): string {
    const start = this.at;
    for (let at = start + 1; at < this.text.length; at++) {
      const char = this.text.charAt(at);
      if (char === '\\') at += 1;
      else if (char === '"') {
        this.at = at + 1;
        return this.decode(this.text.slice(start, this.at));
      } else if (char < ' ') throw unexpected(char, 'in string literal');
    }
    throw new JsonSyntaxError(endOfInput);
  }

  private decode(quoted: string): string {
    if (!quoted.includes('\\')) return quoted.slice(1, -1);
    try {
      return JSON.parse(quoted) as string;
    } catch {
      const bad = /\\([^"\\/bfnrtu])/.exec(quoted)?.[1] ?? 'u';
      throw unexpected(bad, 'in string escape code');
    }
  }

  private literal(word: string): void {
    for (let i = 0; i < word.length; i++) {
      const char = this.text.charAt(this.at + i);
      if (char !== word.charAt(i)) throw unexpected(char, `in literal ${word} (expecting ${goChar(word.charAt(i))})`);
    }
    this.at += word.length;
    this.visitor.scalar();
  }

  private number(char: string): void {
    numberPattern.lastIndex = this.at;
    const match = numberPattern.exec(this.text);
    if (match === null) throw unexpected(char, 'looking for beginning of value');
    this.at += match[0].length;
    this.visitor.scalar();
  }

  /** The next character that is not white space; empty at the end. */
  private peek(): string {
    for (; this.at < this.text.length; this.at++) {
      const char = this.text.charAt(this.at);
      if (char !== ' ' && char !== '\n' && char !== '\t' && char !== '\r') return char;
    }
    return '';
  }
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function unexpected(char: string, where: string): JsonSyntaxError {
  return new JsonSyntaxError(char === '' ? endOfInput : `invalid character ${goChar(char)} ${where}`);
}

function goChar(char: string): string {
  switch (char) {
    case "'":
      return `'\\''`;
    case '"':
      return `'"'`;
    case '\n':
      return `'\\n'`;
    case '\t':
      return `'\\t'`;
    case '\r':
      return `'\\r'`;
    default:
      return `'${char}'`;
  }
}

/** How many keys the objects of `text` have in all, counting repeated ones; `text` must be JSON. */
export function countKeys(text: string): number {
  let keys = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x3a) keys += 1;
  }
  return keys;
}
