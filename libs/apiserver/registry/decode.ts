// From the bytes of a body to an object, in upstream's words where they cannot be read.
import { DecodeError, decodeModel } from '@drydock/api/decode-value.ts';
import { decodeObject, decodeValue, type ExpectedType, type FieldValidation } from '@drydock/api/fields.ts';
import type { DeleteOptions } from '@drydock/api/generated/types.ts';
import { isObject } from '@drydock/api/json.ts';
import { hasMoreValues } from '@drydock/api/json-values.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { validateDeleteOptions } from '@drydock/api/validate/delete-options.ts';
import { invalidError } from '@drydock/api/validate/invalid-error.ts';
import { parseYaml } from '@drydock/foundation/lazy-yaml.ts';
import { yamlBodyMaxBytes } from '../limits.ts';
import { decodeMessage, protobufType, readEnvelope } from '../protobuf/decode.ts';
import type { RequestBody } from '../request.ts';
import { tooManyValues } from './errors.ts';

export const jsonType = 'application/json';
export const yamlType = 'application/yaml';

const yamlTypes: ReadonlySet<string> = new Set([yamlType, 'application/x-yaml', 'text/yaml']);

/** The answer to a body in a form that is not read here. */
export function unsupportedMediaType(): ReturnType<typeof apiError> {
  return apiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${jsonType}, ${yamlType}, ${protobufType}`,
  );
}

/** YAML as the JSON text of the same value. */
export function yamlToJson(text: string): string {
  try {
    return JSON.stringify(parseYaml(text, { merge: true, version: '1.1' }));
  } catch (error) {
    throw apiError('BadRequest', `error converting YAML to JSON: ${(error as Error).message}`);
  }
}

export interface DecodedBody {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

/** Upstream's default for requests that do not say. */
const defaultValidation: FieldValidation = 'Warn';

/** Checks the fieldValidation parameter. */
export function validationMode(text: string | undefined): FieldValidation {
  if (text === undefined || text === '') return defaultValidation;
  if (text === 'Ignore' || text === 'Warn' || text === 'Strict') return text;
  throw apiError(
    'BadRequest',
    `fieldValidation: Unsupported value: ${JSON.stringify(text)}: supported values: "Ignore", "Strict", "Warn"`,
  );
}

/** Reads a body as an object of the expected type; fails with BadRequest or UnsupportedMediaType. */
export function readObject(body: RequestBody, expected: ExpectedType, mode: FieldValidation): DecodedBody {
  if (body.contentType === protobufType) {
    const envelope = readEnvelope(body.bytes);
    const { apiVersion, kind } = envelope;
    const value = { ...decodeMessage(expected.modelName, envelope.raw) };
    checkEnvelope(expected, apiVersion, kind);
    return decodeValue(expected, value, 'Ignore');
  }
  if (yamlTypes.has(body.contentType)) return decodeObject(expected, jsonText(yamlBytes(body.bytes)), mode);
  if (body.contentType !== jsonType && body.contentType !== '') throw unsupportedMediaType();
  return decodeObject(expected, jsonText(body.bytes), mode);
}

/** The text of a body that is JSON. Fails with RequestEntityTooLarge where it has more values than jsonValuesMax. */
export function jsonText(bytes: Buffer): string {
  if (hasMoreValues(bytes)) throw tooManyValues();
  return bytes.toString();
}

/** Fails with RequestEntityTooLarge beyond yamlBodyMaxBytes: YAML is read a hundred times slower than JSON. */
function yamlBytes(bytes: Buffer): Buffer {
  if (bytes.length > yamlBodyMaxBytes)
    throw apiError('RequestEntityTooLarge', `Request entity too large: limit is ${yamlBodyMaxBytes} in YAML`);
  return Buffer.from(yamlToJson(bytes.toString()));
}

function checkEnvelope(expected: ExpectedType, apiVersion: string, kind: string): void {
  const version = expected.group === '' ? expected.version : `${expected.group}/${expected.version}`;
  if ((kind === '' || kind === expected.kind) && (apiVersion === '' || apiVersion === version)) return;
  throw apiError(
    'BadRequest',
    `${kind} in version ${JSON.stringify(apiVersion)} cannot be handled as a ${expected.kind}: the object provided is unrecognized (must be of type ${expected.kind})`,
  );
}

/** Reads the DeleteOptions of a request and checks them; an empty body is none. Fails with BadRequest or Invalid. */
export function readDeleteOptions(body: RequestBody | undefined): DeleteOptions {
  if (body === undefined || body.bytes.length === 0) return {};
  const options =
    body.contentType === protobufType ? decodeMessage(optionsModel, readEnvelope(body.bytes).raw) : parseOptions(body);
  const errors = validateDeleteOptions(options as DeleteOptions);
  if (errors.length > 0) throw invalidError({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  return options as DeleteOptions;
}

const optionsModel = 'V1DeleteOptions';

function parseOptions(body: RequestBody): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(jsonText(yamlTypes.has(body.contentType) ? yamlBytes(body.bytes) : body.bytes));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw apiError('BadRequest', `couldn't get version/kind; json parse error: ${error.message}`);
  }
  if (!isObject(value)) throw apiError('BadRequest', 'DeleteOptions must be an object');
  const { kind = '', apiVersion = '' } = value;
  if (kind !== '' && kind !== 'DeleteOptions') {
    const scheme = 'pkg/apis/meta/internalversion/scheme/register.go:27';
    throw apiError(
      'BadRequest',
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "${scheme}"`,
    );
  }
  try {
    decodeModel(optionsModel, value, { unknown: [], keys: 0 });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw apiError('BadRequest', error.message);
  }
  return value;
}
