// Label selectors: the text form of requests and the object form of LabelSelector, one requirement type below both.
import type { LabelSelector } from '../generated/types.ts';
import { labelValueErrors, qualifiedNameErrors } from '../names.ts';
import { apiError } from '../status.ts';
import { fieldErrorText, invalid } from '../validate/field-error.ts';
import { type Token, tokenize } from './label-lexer.ts';

export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted, without repetition. */
  readonly values: readonly string[];
}

/** All requirements must hold. The empty list selects everything. */
export type ParsedLabelSelector = readonly LabelRequirement[];

/** Parses `a=b,c in (d,e),!f`. Throws ApiError BadRequest with upstream's text. */
export function parseLabelSelector(text: string): ParsedLabelSelector {
  return new Parser(tokenize(text)).parse();
}

/** The canonical text: requirements sorted by key. */
export function formatLabelSelector(selector: ParsedLabelSelector): string {
  return selector.map(formatRequirement).join(',');
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    case 'gt':
      return `${key}>${values[0] ?? ''}`;
    case 'lt':
      return `${key}<${values[0] ?? ''}`;
    default:
      return `${key}${operator}${values[0] ?? ''}`;
  }
}

/** Whether an object with these labels is selected. */
export function matchesLabels(selector: ParsedLabelSelector, labels: Readonly<Record<string, string>> | undefined): boolean {
  return selector.every((requirement) => matchesRequirement(requirement, labels ?? {}));
}

function matchesRequirement({ key, operator, values }: LabelRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      if (value === undefined || !integerPattern.test(value)) return false;
      const difference = BigInt(value) - BigInt(values[0] ?? '0');
      return operator === 'gt' ? difference > 0n : difference < 0n;
    }
  }
}

const integerPattern = /^-?\d+$/;

/** The requirements of a LabelSelector object; undefined for an unknown operator. An empty selector selects everything. */
export function requirementsOf(selector: LabelSelector): ParsedLabelSelector | undefined {
  const requirements: LabelRequirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    requirements.push({ key, operator: '=', values: [value] });
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = objectOperators.get(operator);
    if (known === undefined) return undefined;
    requirements.push({ key, operator: known, values: [...new Set(values ?? [])].sort() });
  }
  return requirements.sort(byKey);
}

const objectOperators = new Map<string, LabelOperator>([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
]);

/** Whether a LabelSelector object selects these labels: an absent selector nothing, an empty one everything. */
export function matchesLabelSelector(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  if (selector === undefined) return false;
  const requirements = requirementsOf(selector);
  return requirements !== undefined && matchesLabels(requirements, labels);
}

/** The text of a LabelSelector object, as printers and scale subresources show it. */
export function formatLabelSelectorObject(selector: LabelSelector | undefined): string {
  if (selector === undefined) return '<none>';
  const requirements = requirementsOf(selector);
  if (requirements === undefined) return '<error>';
  return requirements.length === 0 ? '<none>' : formatLabelSelector(requirements);
}

function byKey(a: LabelRequirement, b: LabelRequirement): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

const end: Token = { kind: 'end', text: '' };

class Parser {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  parse(): ParsedLabelSelector {
    const requirements: LabelRequirement[] = [];
    while (this.peek() !== end) {
      const first = this.peek();
      if (first.kind !== 'identifier' && first.text !== '!') {
        throw bad(`found '${first.text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.requirement());
      const separator = this.next();
      if (separator === end) break;
      if (separator.text !== ',') throw bad(`found '${separator.text}', expected: ',' or 'end of string'`);
      const following = this.peek();
      if (following.kind !== 'identifier' && following.text !== '!') {
        throw bad(`found '${following.text}', expected: identifier after ','`);
      }
    }
    return requirements.sort(byKey);
  }

  private requirement(): LabelRequirement {
    const negated = this.peek().text === '!';
    if (negated) this.next();
    const name = this.next();
    if (name.kind !== 'identifier') throw badRequirement(`found '${name.text}', expected: identifier`);
    checkKey(name.text);
    if (negated) return { key: name.text, operator: '!', values: [] };
    const following = this.peek();
    if (following === end || following.text === ',') return { key: name.text, operator: 'exists', values: [] };
    return check({ key: name.text, ...this.operation() });
  }

  private operation(): Pick<LabelRequirement, 'operator' | 'values'> {
    const token = this.next();
    switch (token.text) {
      case 'in':
      case 'notin':
        return { operator: token.text, values: this.valueList() };
      case '=':
      case '==':
      case '!=':
        return { operator: token.text, values: [this.value()] };
      case '>':
        return { operator: 'gt', values: [this.value()] };
      case '<':
        return { operator: 'lt', values: [this.value()] };
      default:
        throw badRequirement(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  private value(): string {
    const token = this.peek();
    if (token === end || token.text === ',') return '';
    this.next();
    if (token.kind === 'identifier') return token.text;
    throw badRequirement(`found '${token.text}', expected: identifier`);
  }

  private valueList(): string[] {
    const open = this.next();
    if (open.text !== '(') throw badRequirement(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    let expectsValue = true;
    for (;;) {
      const token = this.next();
      if (token.kind === 'identifier' && expectsValue) {
        values.add(token.text);
        expectsValue = false;
      } else if (token.text === ',') {
        if (expectsValue) values.add('');
        expectsValue = true;
      } else if (token.text === ')') {
        if (expectsValue) values.add('');
        return [...values].sort();
      } else {
        throw badRequirement(`found '${token.text}', expected: ${expectsValue ? 'identifier' : "',' or ')'"}`);
      }
    }
  }

  private peek(): Token {
    return this.tokens[this.at] ?? end;
  }

  private next(): Token {
    const token = this.peek();
    this.at += 1;
    return token;
  }
}

function checkKey(key: string): void {
  const messages = qualifiedNameErrors(key);
  if (messages.length > 0) throw badRequirement(fieldErrorText(invalid('<nil>', key, messages.join('; '))));
}

function check(requirement: LabelRequirement): LabelRequirement {
  const { key, operator, values } = requirement;
  const errors = values.flatMap((value, index) => {
    if ((operator === 'gt' || operator === 'lt') && !integerPattern.test(value)) {
      return [invalid(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer")];
    }
    const messages = labelValueErrors(value);
    return messages.length > 0 ? [invalid(`values[${index}][${key}]`, value, messages.join('; '))] : [];
  });
  if (errors.length === 0) return requirement;
  const texts = errors.map(fieldErrorText);
  throw badRequirement(texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`);
}

function badRequirement(text: string): Error {
  return bad(`unable to parse requirement: ${text}`);
}

function bad(text: string): Error {
  return apiError('BadRequest', text);
}
