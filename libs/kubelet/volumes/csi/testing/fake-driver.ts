// A CSI driver for tests: one gRPC server on a unix socket that registers and says on which node it is.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type GrpcObject,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

type Answer = (error: Error | null, answer: object) => void;

export interface FakeDriver {
  /** What it was told by NotifyRegistrationStatus. */
  readonly told: { plugin_registered: boolean; error: string }[];
  /** What it answers; may be changed. Undefined for NodeGetInfo: it hangs. */
  info: { type: string; name: string; endpoint: string; supported_versions: string[] };
  node: { node_id: string; max_volumes_per_node: number; accessible_topology: object | null } | undefined;
  stop(): void;
}

export async function fakeDriver(socket: string, name: string): Promise<FakeDriver> {
  const server = new Server();
  const driver: FakeDriver = {
    told: [],
    info: { type: 'CSIPlugin', name, endpoint: '', supported_versions: ['1.0.0'] },
    node: { node_id: 'id-1', max_volumes_per_node: 5, accessible_topology: { segments: { 'topology.test/zone': 'a' } } },
    stop: () => {
      server.forceShutdown();
      rmSync(socket, { force: true });
    },
  };
  server.addService(serviceOf('pluginregistration/v1/api.proto', 'pluginregistration.Registration'), {
    GetInfo: (_: unknown, done: Answer) => done(null, driver.info),
    NotifyRegistrationStatus: ({ request }: { request: FakeDriver['told'][number] }, done: Answer) => {
      driver.told.push(request);
      done(null, {});
    },
  });
  server.addService(serviceOf('csi/v1/csi.proto', 'csi.v1.Node'), {
    NodeGetInfo: (_: unknown, done: Answer) => {
      if (driver.node !== undefined) done(null, driver.node);
    },
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    ),
  );
  return driver;
}

function serviceOf(file: string, name: string): ServiceClientConstructor['service'] {
  const root = fileURLToPath(new URL('../../../../../proto', import.meta.url));
  let found: unknown = loadPackageDefinition(loadSync(`${root}/${file}`, { keepCase: true, includeDirs: [root] }));
  for (const part of name.split('.')) found = (found as GrpcObject)[part];
  return (found as ServiceClientConstructor).service;
}
