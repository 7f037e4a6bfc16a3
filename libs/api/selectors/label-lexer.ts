// Splits a label selector's text into tokens (apimachinery, pkg/labels/selector.go).

export interface Token {
  readonly kind: 'identifier' | 'symbol' | 'end';
  readonly text: string;
}

/** Longest first, so that `==` is not read as `=` twice. */
const symbols = ['!=', '==', '=', '!', '(', ')', ',', '>', '<'];
const whitespace = new Set([' ', '\t', '\r', '\n']);
const special = new Set(['=', '!', '(', ')', ',', '>', '<']);

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (whitespace.has(char)) {
      at += 1;
      continue;
    }
    if (special.has(char)) {
      const symbol = symbols.find((candidate) => text.startsWith(candidate, at)) ?? char;
      tokens.push({ kind: 'symbol', text: symbol });
      at += symbol.length;
      continue;
    }
    let end = at;
    while (end < text.length && !special.has(text.charAt(end)) && !whitespace.has(text.charAt(end))) end += 1;
    tokens.push({ kind: 'identifier', text: text.slice(at, end) });
    at = end;
  }
  return tokens;
}
