// A configuration of nginx as a tree, and its text. Nothing else writes configuration: what is an argument stays one, whatever its
// characters are.
import { assert } from '@drydock/foundation/assert.ts';

export interface Directive {
  readonly name: string;
  readonly args: readonly Argument[];
  /** Undefined for a simple directive. */
  readonly block?: readonly Directive[];
}

/**
 * `literal`: nginx must read exactly this; a `$` would be read as a variable, and there is no way to write one, so it has none.
 * `expression`: text with variables, ours or of a grammar that names which. `pattern`: a regular expression or a path of a location,
 * in which nginx looks for no variables.
 */
export interface Argument {
  readonly kind: 'literal' | 'expression' | 'pattern';
  readonly text: string;
}

export function literal(text: string | number): Argument {
  const value = String(text);
  assert(!value.includes('$'), `a literal of the configuration has a variable: ${value}`);
  return { kind: 'literal', text: value };
}

export function expression(text: string): Argument {
  return { kind: 'expression', text };
}

export function pattern(text: string): Argument {
  return { kind: 'pattern', text };
}

/** A simple directive; texts and numbers are literals. */
export function simple(name: string, ...args: readonly (string | number | Argument)[]): Directive {
  return { name, args: args.map((arg) => (typeof arg === 'object' ? arg : literal(arg))) };
}

/** A directive with a block. */
export function block(name: string, args: readonly (string | number | Argument)[], inside: readonly Directive[]): Directive {
  return { ...simple(name, ...args), block: inside };
}

/** The text of a configuration file. */
export function render(directives: readonly Directive[], indent = ''): string {
  return directives
    .map(({ name, args, block: inside }) => {
      const head = [name, ...args.map(({ text }) => text)].map(quoted).join(' ');
      return inside === undefined ? `${indent}${head};\n` : `${indent}${head} {\n${render(inside, `${indent}  `)}${indent}}\n`;
    })
    .join('');
}

/** Characters that nginx reads as themselves outside of quotes, wherever they stand. */
const bare = /^[A-Za-z0-9_./:=@^~*,+%|?&-]+$/;
const controlMost = 0x1f;
const deleteCode = 0x7f;

function quoted(text: string): string {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    assert(code > controlMost && code !== deleteCode, 'a control character in the configuration');
  }
  return bare.test(text) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
