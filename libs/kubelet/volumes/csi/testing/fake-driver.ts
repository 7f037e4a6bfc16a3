// A CSI driver for tests: one gRPC server on a unix socket that registers, says on which node it is, and does with volumes what its
// model does.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type GrpcObject,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type Message, PluginError } from '../../../plugins/socket-client.ts';
import { DriverModel } from './driver-model.ts';

type Answer = (error: object | null, answer?: object) => void;

export interface FakeDriver {
  /** What it was told by NotifyRegistrationStatus. */
  readonly told: { plugin_registered: boolean; error: string }[];
  /** What it answers; may be changed. Undefined for NodeGetInfo: it hangs. */
  info: { type: string; name: string; endpoint: string; supported_versions: string[] };
  node: { node_id: string; max_volumes_per_node: number; accessible_topology: object | null } | undefined;
  readonly model: DriverModel;
  stop(): void;
}

const volumeMethods = [
  'NodeGetCapabilities',
  'NodeStageVolume',
  'NodeUnstageVolume',
  'NodePublishVolume',
  'NodeUnpublishVolume',
  'NodeExpandVolume',
  'NodeGetVolumeStats',
];

export async function fakeDriver(socket: string, name: string): Promise<FakeDriver> {
  const server = new Server();
  const model = new DriverModel();
  const driver: FakeDriver = {
    told: [],
    info: { type: 'CSIPlugin', name, endpoint: '', supported_versions: ['1.0.0'] },
    node: { node_id: 'id-1', max_volumes_per_node: 5, accessible_topology: { segments: { 'topology.test/zone': 'a' } } },
    model,
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
  const ofModel = volumeMethods.map((method) => [
    method,
    ({ request }: { request: Message }, done: Answer) =>
      void model.call(method, request).then(
        (answer) => done(null, answer),
        (error: Error) => done(failureOf(error)),
      ),
  ]);
  server.addService(serviceOf('csi/v1/csi.proto', 'csi.v1.Node'), {
    ...Object.fromEntries(ofModel),
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

function failureOf(error: Error): object {
  if (!(error instanceof PluginError)) return { code: status.UNKNOWN, details: error.message };
  const name = error.code.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return { code: status[name as keyof typeof status], details: error.message.replace(/^.* desc = /, '') };
}

function serviceOf(file: string, name: string): ServiceClientConstructor['service'] {
  const root = fileURLToPath(new URL('../../../../../proto', import.meta.url));
  const options = { keepCase: true, longs: String, enums: String, includeDirs: [root] };
  let found: unknown = loadPackageDefinition(loadSync(`${root}/${file}`, options));
  for (const part of name.split('.')) found = (found as GrpcObject)[part];
  return (found as ServiceClientConstructor).service;
}
