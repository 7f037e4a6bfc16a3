// From the bytes of a body to an object, in upstream's words where they cannot be read.
import type { KubeObject } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { parse as parseYaml } from 'yaml';
import type { RequestBody } from '../request.ts';

export const jsonType = 'application/json';
export const yamlType = 'application/yaml';

const acceptedBodies: readonly string[] = [jsonType, yamlType, 'application/vnd.kubernetes.protobuf', 'application/cbor'];

/** The answer to a body in a form that is not read here. */
export function unsupportedMediaType(contentType: string): ReturnType<typeof apiError> {
  const supported = acceptedBodies.slice(0, 2).join(', ');
  const said = contentType === '' ? 'the body of the request was in an unknown format - accepted media types include' : undefined;
  return apiError('UnsupportedMediaType', `${said ?? 'the body of the request was in an unknown format - accepted media types include'}: ${supported}`, {});
}

/** Reads a JSON or YAML value; fails with BadRequest, or UnsupportedMediaType for other forms. */
export function readValue(body: RequestBody): unknown {
  const text = body.bytes.toString();
  if (body.contentType === yamlType || body.contentType === 'application/x-yaml' || body.contentType === 'text/yaml') {
    try {
      return parseYaml(text, { merge: true, version: '1.1' });
    } catch (error) {
      throw apiError('BadRequest', `error converting YAML to JSON: ${(error as Error).message}`);
    }
  }
  if (body.contentType !== jsonType && body.contentType !== '') throw unsupportedMediaType(body.contentType);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw apiError('BadRequest', `couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
}

/** What a body must be: its group version and kind, which a body may also leave out. */
export interface Expected {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Checks that `value` is an object of the expected kind, and completes apiVersion and kind. */
export function asObject(value: unknown, expected: Expected, resource: string): KubeObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw apiError('BadRequest', `couldn't get version/kind; json parse error: json: cannot unmarshal ${goTypeName(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`);
  }
  const object = value as KubeObject;
  const apiVersion = expected.group === '' ? expected.version : `${expected.group}/${expected.version}`;
  const kind = object.kind || expected.kind;
  const version = object.apiVersion || apiVersion;
  if (kind !== expected.kind || version !== apiVersion) {
    const given = goKind(version, kind);
    throw apiError(
      'BadRequest',
      `${resource} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: converting (${given}) to (${goKind(apiVersion, expected.kind)}): unknown conversion`,
    );
  }
  const { kind: _kind, apiVersion: _version, metadata, ...rest } = object;
  if (metadata !== undefined && metadata !== null && (typeof metadata !== 'object' || Array.isArray(metadata))) {
    throw apiError('BadRequest', `${expected.kind} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: json: cannot unmarshal ${goTypeName(metadata)} into Go struct field ${expected.kind}.metadata of type v1.ObjectMeta`);
  }
  return { kind: expected.kind, apiVersion, metadata: metadata ?? {}, ...rest };
}

function goKind(apiVersion: string, kind: string): string {
  return `${apiVersion}, Kind=${kind}`;
}

function goTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value;
}
