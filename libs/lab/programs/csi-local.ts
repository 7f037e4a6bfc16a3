// Command line and files of a worker's volume driver.
import { type Member, membersOf, type Topology } from '../topology.ts';
import { commandLine, configFile, type ProcessSpec, type ProgramContext, toFlags } from './process-spec.ts';
import { serverFor } from './servers.ts';
import { workerFolders } from './worker.ts';

/** As its CSIDriver object and its classes call it. */
export const localDriver = 'local.csi.drydock.io';

/** Where the kubelet of the worker finds the driver. */
export function registrationSocket(topology: Topology, member: Member): string {
  return `${workerFolders(topology, member).kubelet}/plugins_registry/csi-local.sock`;
}

/** Of a unix socket's path (sockaddr_un). */
const socketPathMax = 107;

/** What is wrong with where the lab is; undefined where the drivers' sockets can be made: kubelets look in their own folders only. */
export function longSocket(topology: Topology): string | undefined {
  if (topology.config.storage === 'none') return undefined;
  const paths = membersOf(topology, 'worker').map((member) => registrationSocket(topology, member));
  const path = paths.find((each) => Buffer.byteLength(each) > socketPathMax);
  if (path === undefined) return undefined;
  return `${path}: too long for a socket (${socketPathMax} bytes at most): choose a shorter --dir, or --storage=none`;
}

export function csiLocal(context: ProgramContext, member: Member): ProcessSpec {
  const { topology } = context;
  const name = `csi-local-w${member.index}`;
  const { dir, state } = workerFolders(topology, member);
  const kubeconfig = configFile(topology.paths, `${name}.kubeconfig`);
  const socket = `${state}/csi-local.sock`;
  const registration = registrationSocket(topology, member);
  const statedir = `${dir}/csi-local`;
  return {
    name,
    program: 'csi-local',
    member,
    argv: commandLine(
      context,
      name,
      'csi-local',
      toFlags({
        drivername: localDriver,
        nodeid: member.name,
        statedir,
        endpoint: `unix://${socket}`,
        'kubelet-registration-path': registration,
        kubeconfig,
      }),
    ),
    env: {},
    files: [],
    kubeconfigs: [{ path: kubeconfig, certificate: 'csi-local', server: serverFor(topology, name, 'csi-local') }],
    folders: [statedir, registration.slice(0, registration.lastIndexOf('/'))],
    ports: [],
    probe: { kind: 'unix', path: socket },
    address: socket,
  };
}
