// grpc-js at its first use: calls of members to members are few, most members never make one, and it takes 18 MB.
import { createRequire } from 'node:module';

type GrpcJs = typeof import('@grpc/grpc-js');

let loaded: GrpcJs | undefined;

export function grpcJs(): GrpcJs {
  loaded ??= createRequire(import.meta.url)('@grpc/grpc-js') as GrpcJs;
  return loaded;
}
