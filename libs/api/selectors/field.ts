// Field selectors: parsing, the labels each resource supports, and matching.
import { isObject, ownField } from '../json.ts';
import { apiVersionOf, type KubeObject, type Resource } from '../resource.ts';
import { apiError } from '../status.ts';
import { fieldLabelsOf } from './field-labels.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** All requirements must hold. The empty list selects everything. */
export type ParsedFieldSelector = readonly FieldRequirement[];

/**
 * Parses `status.phase=Running,metadata.name!=x` and checks its labels against what `info` supports.
 * Throws ApiError BadRequest with upstream's text.
 */
export function parseFieldSelector(info: Resource, text: string): ParsedFieldSelector {
  const requirements = parseTerms(text);
  for (const { field } of requirements) checkLabel(info, field);
  return requirements.sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0));
}

/** The canonical text. */
export function formatFieldSelector(selector: ParsedFieldSelector): string {
  return selector.map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`).join(',');
}

/** A value as it stands in a selector's text. */
export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

/** Whether the object is selected. */
export function matchesFields(info: Resource, selector: ParsedFieldSelector, object: KubeObject): boolean {
  return selector.every(({ field, operator, value }) => (fieldValue(info, object, field) === value) === (operator === '='));
}

/** The value of a supported field label; empty where the object has none. */
export function fieldValue(info: Resource, object: KubeObject, field: string): string {
  if (field === 'metadata.name' || field === 'name') return object.metadata?.name ?? '';
  if (field === 'metadata.namespace') return object.metadata?.namespace ?? '';
  const labels = fieldLabelsOf(info);
  const source = ownField(labels, field);
  if (source === undefined) return '';
  for (const path of source.paths) {
    const value = valueAt(object, path);
    if (value !== undefined && value !== '') return String(value);
  }
  return source.zero ?? '';
}

/** The value that a selector's text demands of `metadata.name`, undefined where it demands none; fails with BadRequest. */
export function exactName(text: string): string | undefined {
  return exactValue(text, 'metadata.name');
}

/** The value that a selector's text demands of a field, undefined where it demands none; fails with BadRequest. */
export function exactValue(text: string, wanted: string): string | undefined {
  return parseTerms(text).find(({ field, operator }) => field === wanted && operator === '=')?.value;
}

function valueAt(object: KubeObject, path: readonly (string | number)[]): unknown {
  let value: unknown = object;
  for (const part of path) {
    if (typeof part === 'number') value = Array.isArray(value) ? value[part] : undefined;
    else value = isObject(value) ? value[part] : undefined;
  }
  return value;
}

function checkLabel(info: Resource, field: string): void {
  if (field === 'metadata.name' || field === 'metadata.namespace') return;
  const labels = fieldLabelsOf(info);
  if (labels !== undefined && Object.hasOwn(labels, field)) return;
  if (labels === undefined) {
    throw apiError('BadRequest', `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
  }
  if (info.kind === 'Job') throw apiError('BadRequest', `field label "${field}" not supported for Job`);
  const where = info.kind === 'ResourceSlice' ? ` for ${apiVersionOf(info)}, Kind=${info.kind}` : '';
  throw apiError('BadRequest', `field label not supported${where}: ${field}`);
}

function parseTerms(text: string): FieldRequirement[] {
  return splitTerms(text)
    .filter((term) => term !== '')
    .map((term) => parseTerm(term, text));
}

/** Splits at commas that no backslash escapes. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') at += 1;
    else if (char === ',') {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function parseTerm(term: string, selector: string): FieldRequirement {
  const match = /^((?:[^!=]|![^=])*?)(!=|==|=)(.*)$/s.exec(term);
  if (match === null) throw apiError('BadRequest', `invalid selector: '${selector}'; can't understand '${term}'`);
  const [, field = '', operator, value = ''] = match;
  return { field, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value) };
}

function unescapeValue(value: string): string {
  let out = '';
  for (let at = 0; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === '\\') {
      at += 1;
      const escaped = value.charAt(at);
      if (escaped !== '\\' && escaped !== ',' && escaped !== '=') {
        throw apiError('BadRequest', `invalid field selector: invalid escape sequence: \\${escaped}`);
      }
      out += escaped;
    } else if (char === ',' || char === '=') {
      const code = char.charCodeAt(0);
      throw apiError('BadRequest', `invalid field selector: unescaped character in value: ${code}`);
    } else out += char;
  }
  return out;
}
