// The API as JSON, as protobuf's JSON mapping has it: int64 as strings, bytes in base64, enums by name, zero values left out. The
// names are those of the .proto file; what comes in may also have them in camel case. Loaded at first use: few members meet JSON.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { MethodDefinition } from '@grpc/proto-loader';

/** Turns one method's messages into JSON values and back. */
export interface MethodCodec {
  /** Throws where the value does not fit. */
  request(value: unknown): Buffer;
  response(message: Buffer): object;
  /** Whether a call has any number of answers. */
  readonly streams: boolean;
}

interface FieldDescriptor {
  readonly name: string;
  readonly typeName: string;
}

interface TypeDescriptor {
  readonly field: readonly FieldDescriptor[];
}

const protoRoot = fileURLToPath(new URL('../../../proto', import.meta.url));
const protos = ['etcdserverpb/rpc', 'v3lockpb/v3lock', 'v3electionpb/v3election'].map((name) => `etcd/${name}.proto`);

/** By path: `/etcdserverpb.KV/Range`. */
export function loadCodecs(): ReadonlyMap<string, MethodCodec> {
  const { loadSync } = createRequire(import.meta.url)('@grpc/proto-loader') as typeof import('@grpc/proto-loader');
  const loaded = loadSync(protos, { includeDirs: [protoRoot], keepCase: true, longs: String, enums: String, bytes: String });
  const types = new Map<string, TypeDescriptor>();
  const codecs = new Map<string, MethodCodec>();
  for (const [name, definition] of Object.entries(loaded)) {
    if ('type' in definition && 'format' in definition) types.set(name, definition.type as TypeDescriptor);
  }
  for (const definition of Object.values(loaded)) {
    if ('format' in definition) continue;
    for (const method of Object.values(definition)) codecs.set(method.path, codecOf(method, types));
  }
  return codecs;
}

function codecOf(method: MethodDefinition<object, object>, types: ReadonlyMap<string, TypeDescriptor>): MethodCodec {
  const { requestSerialize, responseDeserialize, requestType, responseStream } = method;
  const type = requestType.type as TypeDescriptor;
  return {
    request: (value) => requestSerialize(renamed(value, type, types) as object),
    response: (message) => responseDeserialize(message),
    streams: responseStream,
  };
}

/** The value with the names of the .proto file. */
function renamed(value: unknown, type: TypeDescriptor, types: ReadonlyMap<string, TypeDescriptor>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => renamed(item, type, types));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const field = type.field.find(({ name }) => name === key) ?? type.field.find(({ name }) => camelCase(name) === key);
      const nested = field === undefined ? undefined : typeOf(field.typeName, types);
      return [field?.name ?? key, nested === undefined ? inner : renamed(inner, nested, types)];
    }),
  );
}

function typeOf(name: string, types: ReadonlyMap<string, TypeDescriptor>): TypeDescriptor | undefined {
  return types.get(name.replace(/^\./, '')) ?? [...types].find(([known]) => known.endsWith(`.${name}`))?.[1];
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
