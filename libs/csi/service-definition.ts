// Adapter: gRPC services as the files below `proto/` define them. Names stay as they are there, 64-bit numbers and enumerations are text.
import { fileURLToPath } from 'node:url';
import { type GrpcObject, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const root = fileURLToPath(new URL('../../proto', import.meta.url));
const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true, includeDirs: [root] };

/** What makes clients of a service; its `service` is what servers serve. `name` is the full one. */
export function clientOf(file: string, name: string): ServiceClientConstructor {
  let found: unknown = loadPackageDefinition(loadSync(`${root}/${file}`, options));
  for (const part of name.split('.')) found = (found as GrpcObject)[part];
  return found as ServiceClientConstructor;
}
