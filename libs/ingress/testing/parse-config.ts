// Reads a configuration as nginx's own lexer does (ngx_conf_read_token), written from its documentation and behaviour and not from
// tree.ts: what tests compare the writer with.

export interface Parsed {
  readonly name: string;
  readonly args: readonly string[];
  readonly block?: readonly Parsed[];
}

const escapes: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n', '"': '"', "'": "'", '\\': '\\' };

/** Throws where nginx would refuse the syntax. */
export function parseConfig(text: string): Parsed[] {
  let at = 0;
  const word = (): string => {
    let value = '';
    const quote = text[at] === '"' || text[at] === "'" ? text[at++] : undefined;
    for (; at < text.length; at++) {
      const character = text[at] ?? '';
      if (character === '\\') {
        const next = text[++at] ?? '';
        value += escapes[next] ?? `\\${next}`;
      } else if (quote !== undefined) {
        if (character === quote) {
          at++;
          if (!/[\s;{)]/.test(text[at] ?? ' ')) throw new Error(`unexpected "${text[at]}" after a quoted word at ${at}`);
          return value;
        }
        value += character;
      } else if (/\s/.test(character) || character === ';' || character === '{') return value;
      else value += character;
    }
    throw new Error('unexpected end of file');
  };
  const directives = (nested: boolean): Parsed[] => {
    const found: Parsed[] = [];
    let words: string[] = [];
    for (;;) {
      const character = text[at];
      if (character === undefined) {
        if (nested || words.length > 0) throw new Error('unexpected end of file');
        return found;
      }
      if (/\s/.test(character)) at++;
      else if (character === '#') while (at < text.length && text[at] !== '\n') at++;
      else if (character === ';') {
        at++;
        if (words.length === 0) throw new Error('unexpected ";"');
        found.push({ name: words[0] ?? '', args: words.slice(1) });
        words = [];
      } else if (character === '{') {
        at++;
        if (words.length === 0) throw new Error('unexpected "{"');
        found.push({ name: words[0] ?? '', args: words.slice(1), block: directives(true) });
        words = [];
      } else if (character === '}') {
        at++;
        if (!nested || words.length > 0) throw new Error('unexpected "}"');
        return found;
      } else words.push(word());
    }
  };
  return directives(false);
}
