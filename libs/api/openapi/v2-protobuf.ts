// OpenAPI 2 as protobuf, the form that kubectl asks for by itself (proto/gnostic/openapi/v2).
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import type { JsonObject } from '../json.ts';
import { openApiV2Document } from './v2.ts';

/** The media type as it is answered. Clients also ask for it with `@v1.0` for `.v1.0`. */
export const openApiV2Protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

let bytes: Buffer | undefined;

/** The protobuf bytes of /openapi/v2; made once, for it takes its time. */
export function openApiV2Bytes(): Buffer {
  if (bytes === undefined) {
    const file = fileURLToPath(new URL('../../../proto/gnostic/openapi/v2/document.proto', import.meta.url));
    const document = protobuf.loadSync(file).lookupType('gnostic.openapi.v2.Document');
    bytes = Buffer.from(document.encode(messageOf(openApiV2Document())).finish());
  }
  return bytes;
}

type Message = Record<string, unknown>;
type Objects = Readonly<Record<string, JsonObject>>;

function messageOf(given: JsonObject): Message {
  const schemes = Object.entries(given.securityDefinitions as unknown as Objects);
  const needs = given.security as unknown as readonly Readonly<Record<string, string[]>>[];
  return {
    swagger: given.swagger,
    info: given.info,
    paths: { path: named(given.paths as unknown as Objects, pathItem) },
    definitions: { entries: named(given.definitions as unknown as Objects, schemaOf) },
    security: needs.map((each) => ({
      entries: Object.entries(each).map(([name, value]) => ({ name, value: { value } })),
    })),
    securityDefinitions: { entries: schemes.map(([name, apiKey]) => ({ name, value: { apiKey } })) },
  };
}

function named<T>(entries: Objects, make: (value: JsonObject) => T): { name: string; value: T }[] {
  return Object.entries(entries).map(([name, value]) => ({ name, value: make(value) }));
}

function pathItem(item: JsonObject): Message {
  const { parameters = [], ...operations } = item as unknown as { parameters?: JsonObject[] };
  return {
    parameters: parameters.map(parameterOf),
    ...Object.fromEntries(named(operations as Objects, operationOf).map(({ name, value }) => [name, value])),
  };
}

function operationOf(operation: JsonObject): Message {
  const { parameters = [], responses, ...rest } = operation as unknown as { parameters?: JsonObject[]; responses: Objects };
  const answers = named(responses, (response) => ({
    response: {
      description: response.description,
      ...(response.schema === undefined ? {} : { schema: { schema: schemaOf(response.schema as JsonObject) } }),
    },
  }));
  return {
    ...plain(rest),
    parameters: parameters.map(parameterOf),
    responses: { response: answers },
    extensions: extensionsOf(rest),
  };
}

function parameterOf(parameter: JsonObject): Message {
  if (parameter.in === 'body')
    return { parameter: { body: { ...parameter, schema: schemaOf(parameter.schema as JsonObject) } } };
  return { parameter: { other: parameter.in === 'path' ? { path: parameter } : { query: parameter } } };
}

function schemaOf(schema: JsonObject): Message {
  const { $ref, type, default: fallback, enum: values, additionalProperties, items, allOf, properties, ...rest } = schema;
  return {
    ...plain(rest),
    ...($ref === undefined ? {} : { ref: $ref }),
    ...(type === undefined ? {} : { type: { value: [type].flat() } }),
    ...(fallback === undefined ? {} : { defaultValue: anyOf(fallback) }),
    ...(values === undefined ? {} : { enumValues: (values as unknown[]).map(anyOf) }),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: { schema: schemaOf(additionalProperties as JsonObject) } }),
    ...(items === undefined ? {} : { items: { schema: [schemaOf(items as JsonObject)] } }),
    ...(allOf === undefined ? {} : { allOf: (allOf as unknown as JsonObject[]).map(schemaOf) }),
    ...(properties === undefined ? {} : { properties: { entries: named(properties as unknown as Objects, schemaOf) } }),
    extensions: extensionsOf(rest),
  };
}

function plain(rest: object): Message {
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith('x-')));
}

function extensionsOf(rest: object): Message[] {
  return Object.entries(rest)
    .filter(([name]) => name.startsWith('x-'))
    .map(([name, value]) => ({ name, value: anyOf(value) }));
}

function anyOf(value: unknown): Message {
  return { yaml: `${JSON.stringify(value)}\n` };
}
