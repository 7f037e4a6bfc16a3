// RFC 6902 patches, with the leniency of upstream's library: `replace` of an absent key adds it.
import { cloneJson, isObject, type JsonObject, jsonEqual, setField } from '../json.ts';
import { JsonSyntaxError, scanJson, silentVisitor } from '../json-scan.ts';
import { patchRejected, patchUndecodable } from './patch-error.ts';

interface Operation {
  readonly op?: unknown;
  readonly path?: unknown;
  readonly from?: unknown;
  readonly value?: unknown;
}

/** Upstream's bound on the operations of one patch. */
const operationsMax = 10_000;
/** What `copy` may add in one patch, as JSON text (k8s.io/apiserver: JSONPatchMaxCopyBytes); every copy may double the object. */
const copiedMaxBytes = 3 * 1024 * 1024;

/** The JSON value of a patch's text. Throws ApiError BadRequest with Go's complaint, after `prefix`. */
export function parsePatch(text: string, prefix: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    let problem = 'unexpected end of JSON input';
    try {
      scanJson(text, silentVisitor);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      problem = error.message;
    }
    throw patchUndecodable(`${prefix}${problem}`);
  }
}

/**
 * Applies the operations in `patch` (JSON text) to a copy of `original`. Throws ApiError: BadRequest for a text that is no
 * patch, Invalid for one that does not fit the object.
 */
export function applyJsonPatch(original: JsonObject, patch: string): JsonObject {
  const operations = parsePatch(patch, 'error decoding patch: ');
  if (!Array.isArray(operations)) {
    const kind = isObject(operations) ? 'object' : typeof operations === 'boolean' ? 'bool' : typeof operations;
    const type = '[]handlers.jsonPatchOp';
    throw patchUndecodable(`error decoding patch: json: cannot unmarshal ${kind} into Go value of type ${type}`);
  }
  if (operations.length > operationsMax) {
    const text = `The allowed maximum operations in a JSON patch is ${operationsMax}, got ${operations.length}`;
    throw patchUndecodable(text);
  }
  const document: Document = { root: cloneJson(original) as unknown, copied: 0 };
  for (const operation of operations) {
    if (!isObject(operation)) throw patchRejected();
    apply(document, operation);
  }
  if (!isObject(document.root)) throw patchRejected();
  return document.root;
}

interface Document {
  root: unknown;
  /** Bytes that were copied within it so far. */
  copied: number;
}

function apply(document: Document, operation: Operation): void {
  const path = pointer(operation.path);
  switch (operation.op) {
    case 'add':
      add(document, path, required(operation));
      return;
    case 'replace':
      if (path.length === 0) document.root = required(operation);
      else replace(document, path, required(operation));
      return;
    case 'remove':
      remove(document, path);
      return;
    case 'move': {
      const moved = remove(document, pointer(operation.from));
      add(document, path, moved);
      return;
    }
    case 'copy':
      add(document, path, copied(document, get(document, pointer(operation.from))));
      return;
    case 'test':
      if (!jsonEqual(find(document, path) ?? null, operation.value ?? null)) throw patchRejected();
      return;
    default:
      throw patchRejected();
  }
}

function copied(document: Document, value: unknown): unknown {
  const text = JSON.stringify(value);
  document.copied += Buffer.byteLength(text);
  if (document.copied > copiedMaxBytes) throw patchRejected();
  return JSON.parse(text) as unknown;
}

function required(operation: Operation): unknown {
  if (!('value' in operation)) throw patchRejected();
  return operation.value;
}

/** What stands before the first slash is ignored, as upstream does. */
function pointer(path: unknown): string[] {
  if (typeof path !== 'string') throw patchRejected();
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function parentOf(document: Document, path: readonly string[]): { parent: unknown; key: string } {
  const key = path[path.length - 1];
  if (key === undefined) throw patchRejected();
  let parent = document.root;
  for (const part of path.slice(0, -1)) parent = child(parent, part);
  if (!isObject(parent) && !Array.isArray(parent)) throw patchRejected();
  return { parent, key };
}

function child(parent: unknown, key: string): unknown {
  if (Array.isArray(parent)) return parent[indexOf(parent, key, parent.length - 1)];
  return isObject(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
}

/** Negative indexes count from the end, as in upstream's library. */
function indexOf(list: readonly unknown[], key: string, max: number): number {
  if (!/^-?\d+$/.test(key)) throw patchRejected();
  const index = Number(key) < 0 ? Number(key) + list.length : Number(key);
  if (index < 0 || index > max) throw patchRejected();
  return index;
}

function find(document: Document, path: readonly string[]): unknown {
  let value = document.root;
  for (const part of path) {
    if (value === undefined || value === null) throw patchRejected();
    value = child(value, part);
  }
  return value;
}

function get(document: Document, path: readonly string[]): unknown {
  const value = find(document, path);
  if (value === undefined) throw patchRejected();
  return value;
}

function add(document: Document, path: readonly string[], value: unknown): void {
  if (path.length === 0) {
    document.root = value;
    return;
  }
  const { parent, key } = parentOf(document, path);
  if (!Array.isArray(parent)) setField(parent as JsonObject, key, value);
  else if (key === '-') parent.push(value);
  else parent.splice(indexOf(parent, key, parent.length), 0, value);
}

function replace(document: Document, path: readonly string[], value: unknown): void {
  const { parent, key } = parentOf(document, path);
  if (Array.isArray(parent)) parent[indexOf(parent, key, parent.length - 1)] = value;
  else setField(parent as JsonObject, key, value);
}

function remove(document: Document, path: readonly string[]): unknown {
  const { parent, key } = parentOf(document, path);
  if (Array.isArray(parent)) return parent.splice(indexOf(parent, key, parent.length - 1), 1)[0];
  const object = parent as JsonObject;
  if (!Object.hasOwn(object, key)) throw patchRejected();
  const value = object[key];
  delete object[key];
  return value;
}
