// From a request's JSON text to an object of a resource type: syntax, kind, types, unknown and repeated fields.
import { DecodeError, type DecodeTally, decodeModel } from './decode-value.ts';
import { isObject, type JsonObject } from './json.ts';
import { countKeys, JsonSyntaxError, scanJson, silentVisitor } from './json-scan.ts';
import { apiVersionOf, type KubeObject } from './resource.ts';
import { findKind } from './scheme.ts';
import { apiError } from './status.ts';
import { strictProblems } from './strict-problems.ts';

/** What to do with unknown and repeated fields: nothing, a warning each, or refuse the request. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** The type that a request's body must have. */
export interface ExpectedType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly modelName: string;
}

export interface Decoded {
  readonly object: KubeObject;
  /** Texts for the Warning headers, in document order: `unknown field "spec.foo"`. */
  readonly warnings: readonly string[];
}

/** How much of a body upstream quotes when it cannot make sense of it. Bytes. */
const summaryBytesMax = 30;

/** Of how many unknown and repeated fields a client is told (sigs.k8s.io/json: saveStrictError). */
const problemsMax = 100;

/**
 * Decodes a request's body. Throws ApiError BadRequest with upstream's texts. The object carries apiVersion and kind
 * of `expected`; without them in the body they are filled in.
 */
export function decodeObject(expected: ExpectedType, text: string, mode: FieldValidation): Decoded {
  const value = parse(expected, text);
  if (!isObject(value)) {
    const type = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`;
    const got = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    throw unrecognized(expected, text, `json: cannot unmarshal ${got} into Go value of type ${type}`);
  }
  checkTypeMeta(expected, value, text);
  const tally: DecodeTally = { unknown: [], keys: 0 };
  decode(expected, value, tally);
  if (mode === 'Ignore') return { object: value, warnings: [] };
  const clean = tally.unknown.length === 0 && tally.keys === countKeys(text);
  return finish(expected, value, clean ? [] : strictProblems(expected.modelName, text), mode);
}

/**
 * As `decodeObject` for a value that is already parsed (the outcome of a patch), which is taken over and changed in place:
 * it cannot have repeated fields.
 */
export function decodeValue(expected: ExpectedType, value: JsonObject, mode: FieldValidation): Decoded {
  const tally: DecodeTally = { unknown: [], keys: 0 };
  decode(expected, value, tally);
  if (mode === 'Ignore') return { object: value, warnings: [] };
  return finish(
    expected,
    value,
    tally.unknown.map((path) => `unknown field "${path}"`),
    mode,
  );
}

function decode(expected: ExpectedType, value: JsonObject, tally: DecodeTally): void {
  try {
    decodeModel(expected.modelName, value, tally);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw cannotHandle(expected, expected.kind, expected.version, error.message);
  }
  value.apiVersion = apiVersionOf(expected);
  value.kind = expected.kind;
}

function finish(expected: ExpectedType, object: KubeObject, found: readonly string[], mode: FieldValidation): Decoded {
  const problems = found.slice(0, problemsMax);
  if (mode === 'Strict' && problems.length > 0) {
    throw cannotHandle(expected, expected.kind, expected.version, `strict decoding error: ${problems.join(', ')}`);
  }
  return { object, warnings: problems };
}

function parse(expected: ExpectedType, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    let message = 'unexpected end of JSON input';
    try {
      scanJson(text, silentVisitor);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      message = error.message;
    }
    throw unrecognized(expected, text, message);
  }
}

function checkTypeMeta(expected: ExpectedType, value: JsonObject, text: string): void {
  for (const field of ['apiVersion', 'kind']) {
    const item = value[field];
    if (item === undefined || item === null || typeof item === 'string') continue;
    const got = Array.isArray(item) ? 'array' : typeof item === 'boolean' ? 'bool' : typeof item;
    throw unrecognized(expected, text, `json: cannot unmarshal ${got} into Go struct field .${field} of type string`);
  }
  const apiVersion = (value.apiVersion as string | undefined | null) || apiVersionOf(expected);
  const kind = (value.kind as string | undefined | null) || expected.kind;
  if (kind === expected.kind && apiVersion === apiVersionOf(expected)) return;
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const known = findKind(group, version, kind);
  const problem =
    known === undefined
      ? `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/api/legacyscheme/scheme.go:30"`
      : `converting (${version}.${kind}) to (${expected.group === '' ? 'core' : expected.group.split('.')[0]}.${expected.kind}): unknown conversion`;
  throw cannotHandle(expected, kind, version, problem);
}

function cannotHandle(expected: ExpectedType, kind: string, version: string, problem: string): Error {
  return apiError('BadRequest', `${kind} in version "${version}" cannot be handled as a ${expected.kind}: ${problem}`);
}

function unrecognized(expected: ExpectedType, text: string, problem: string): Error {
  const what = `the object provided is unrecognized (must be of type ${expected.kind})`;
  return apiError('BadRequest', `${what}: couldn't get version/kind; json parse error: ${problem} (${summary(text)})`);
}

function summary(text: string): string {
  if (text === '') return '<empty>';
  if (text.startsWith('{')) return text.length > summaryBytesMax ? `${text.slice(0, summaryBytesMax)} ...` : text;
  const bytes = Buffer.from(text);
  const hex = bytes.subarray(0, summaryBytesMax).toString('hex');
  return bytes.length > summaryBytesMax ? `${hex} ...` : hex;
}
