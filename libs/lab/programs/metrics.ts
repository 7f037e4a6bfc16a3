// Command line of the metrics server, with the arguments of its own manifest, and as who it is reached: by the name of its Service.
import type { Member } from '../topology.ts';
import { portOf, type Topology } from '../topology.ts';
import {
  commandLine,
  componentFlags,
  configFile,
  type ProcessSpec,
  type ProgramContext,
  pkiFile,
  toFlags,
} from './process-spec.ts';
import { serverFor } from './servers.ts';

/** A kubelet of the lab is on this machine: one that takes longer will not answer. Must fit into the shortest resolution. */
const kubeletTimeout = '5s';

/** Files of the certificate that it serves with, beneath `pki`, without ending. */
export function metricsCertificate(member: Member): string {
  return `${member.name}/server`;
}

export function metricsPort(topology: Topology, member: Member): number {
  return portOf(topology, member, 'metrics');
}

export function metricsServer(context: ProgramContext, member: Member): ProcessSpec {
  const { topology } = context;
  const { paths, config } = topology;
  const kubeconfig = configFile(paths, `${member.name}.kubeconfig`);
  const certificate = metricsCertificate(member);
  const port = metricsPort(topology, member);
  const flags = toFlags({
    ...componentFlags(kubeconfig, member.address, port),
    // Nobody starts it again: it goes on without who may ask until that can be looked up.
    'authentication-tolerate-lookup-failure': true,
    'tls-cert-file': pkiFile(paths, `${certificate}.crt`),
    'tls-private-key-file': pkiFile(paths, `${certificate}.key`),
    'kubelet-certificate-authority': pkiFile(paths, 'ca.crt'),
    'kubelet-preferred-address-types': 'InternalIP',
    'kubelet-use-node-status-port': true,
    'kubelet-request-timeout': kubeletTimeout,
    'metric-resolution': config.timings['metric-resolution'],
  });
  return {
    name: member.name,
    program: 'metrics-server',
    member,
    argv: commandLine(context, member.name, 'metrics-server', flags),
    env: {},
    files: [],
    kubeconfigs: [
      { path: kubeconfig, certificate: 'metrics-server', server: serverFor(topology, member.name, 'metrics-server') },
    ],
    folders: [],
    ports: [port],
    // Whether it lives: that it has figures takes two rounds.
    probe: { kind: 'http', url: `https://${member.address}:${port}/livez` },
    address: `${member.address}:${port}`,
  };
}
