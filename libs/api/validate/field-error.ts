// One complaint about one field, with the texts of upstream's field errors (apimachinery, pkg/util/validation/field).

export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'InternalError'
  | 'FieldValueTypeInvalid';

export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  /** The text without the field: what a Status cause carries as its message. */
  readonly body: string;
}

/** So many are said of one object; what is wrong beyond that is not looked for. The original gives up on such an object after 34 s. */
export const fieldErrorsMax = 10_000;

/** Those made since `boundedErrors` began; undefined outside of it. */
let made: FieldError[] | undefined;

class TooManyErrors extends Error {
  override readonly name = 'TooManyErrors';
}

/**
 * What `check` finds, or, where that is more than `fieldErrorsMax`, the first that it made and one that says so: an object of a million
 * mistakes costs no more than one of ten thousand. `check` is synchronous, and makes its errors by the functions of this file.
 */
export function boundedErrors(check: () => FieldError[]): FieldError[] {
  const outer = made;
  const own: FieldError[] = [];
  made = own;
  try {
    return check();
  } catch (error) {
    if (!(error instanceof TooManyErrors)) throw error;
    const body = `Too many: must have at most ${fieldErrorsMax} errors to be told all of them`;
    return [...own.slice(0, fieldErrorsMax), { type: 'FieldValueTooMany', field: '', body }];
  } finally {
    made = outer;
  }
}

function counted(error: FieldError): FieldError {
  if (made !== undefined && made.push(error) > fieldErrorsMax) throw new TooManyErrors();
  return error;
}

/** The full text: `spec.replicas: Invalid value: -1: must be greater than or equal to 0`. */
export function fieldErrorText(error: FieldError): string {
  return error.field === '' ? error.body : `${error.field}: ${error.body}`;
}

export function required(field: string, detail = ''): FieldError {
  return counted({ type: 'FieldValueRequired', field, body: withDetail('Required value', detail) });
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return counted({ type: 'FieldValueInvalid', field, body: withDetail(`Invalid value: ${goValue(value)}`, detail) });
}

/** `values` in the order in which upstream lists them. */
export function notSupported(field: string, value: unknown, values: readonly string[]): FieldError {
  const detail = values.length > 0 ? `supported values: ${values.map(goQuote).join(', ')}` : '';
  return counted({ type: 'FieldValueNotSupported', field, body: withDetail(`Unsupported value: ${goValue(value)}`, detail) });
}

export function duplicate(field: string, value: unknown, detail = ''): FieldError {
  return counted({ type: 'FieldValueDuplicate', field, body: withDetail(`Duplicate value: ${goValue(value)}`, detail) });
}

export function forbidden(field: string, detail: string): FieldError {
  return counted({ type: 'FieldValueForbidden', field, body: withDetail('Forbidden', detail) });
}

export function notFound(field: string, value: unknown): FieldError {
  return counted({ type: 'FieldValueNotFound', field, body: `Not found: ${goValue(value)}` });
}

/** `max` in bytes. */
export function tooLong(field: string, max: number): FieldError {
  return counted({ type: 'FieldValueTooLong', field, body: `Too long: may not be more than ${max} bytes` });
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  const items = max === 1 ? 'item' : 'items';
  return counted({ type: 'FieldValueTooMany', field, body: `Too many: ${actual}: must have at most ${max} ${items}` });
}

function withDetail(text: string, detail: string): string {
  return detail === '' ? text : `${text}: ${detail}`;
}

/** How upstream writes a value into an error: strings quoted, numbers bare, structures as JSON. */
export function goValue(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return goQuote(value);
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

/** A map in the order in which Go writes its keys. */
export function goMap(map: Readonly<Record<string, string>> | undefined): Record<string, string> | undefined {
  if (map === undefined) return undefined;
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Go's %q for strings. */
export function goQuote(text: string): string {
  let out = '"';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === '"' || char === '\\') out += `\\${char}`;
    else if (char === '\n') out += '\\n';
    else if (char === '\t') out += '\\t';
    else if (char === '\r') out += '\\r';
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else out += char;
  }
  return `${out}"`;
}
