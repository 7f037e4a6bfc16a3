// Command line and files of an ingress controller. It runs in a namespace of its own; its nginx listens in every worker's, so that each
// worker's address serves and clients are seen as they are. Two controllers listen side by side: one may end.
import { ingressConfig, ingressNamespace } from '../bootstrap.ts';
import { type Member, membersOf, portOf, type Topology } from '../topology.ts';
import { commandLine, configFile, type MachineFacts, type ProcessSpec, type ProgramContext, toFlags } from './process-spec.ts';
import { serverFor } from './servers.ts';
import { systemCgroup } from './worker.ts';

/**
 * Becomes the command, as a process of that machine: it dies with it. Ends with 75 where the machine is switched off, that is where none
 * of its processes lives.
 */
const onMachine = 'grep -q . "$1" 2>/dev/null || exit 75; echo 0 > "$1"; shift; exec "$@"';

/** How nginx gets into a worker: its cgroup, then its network. */
function prefixOf(topology: Topology, { trackingCgroups }: MachineFacts, worker: Member): string[] {
  const network = ['nsenter', `--net=/var/run/netns/${worker.netns}`, '--'];
  if (trackingCgroups === undefined) return network;
  return ['/bin/sh', '-c', onMachine, 'sh', `${trackingCgroups}${systemCgroup(topology, worker)}/cgroup.procs`, ...network];
}

export function ingressController(context: ProgramContext, member: Member): ProcessSpec {
  const { topology, machine } = context;
  const { paths, config } = topology;
  const kubeconfig = configFile(paths, `${member.name}.kubeconfig`);
  const places = configFile(paths, `${member.name}.places.json`);
  const workers = membersOf(topology, 'worker');
  const port = portOf(topology, member, 'ingress-healthz');
  // The election of the original lasts twice as long as that of schedulers.
  const ttl = config.timings['leader-elect-lease-duration'];
  const flags = toFlags({
    kubeconfig,
    'ingress-class': 'nginx',
    'controller-class': 'k8s.io/ingress-nginx',
    configmap: `${ingressNamespace}/${ingressConfig}`,
    'election-id': 'ingress-nginx-leader',
    'election-ttl': ttl === '15s' ? undefined : ttl,
    'publish-status-address': workers.map(({ address }) => address).join(','),
    'healthz-host': member.address,
    'healthz-port': port,
    'state-folder': `${paths.run}/${member.name}`,
    places,
  });
  return {
    name: member.name,
    program: 'ingress-controller',
    member,
    argv: commandLine(context, member.name, 'ingress-controller', flags),
    env: { POD_NAMESPACE: ingressNamespace, POD_NAME: member.name },
    files: [
      {
        path: places,
        text: `${JSON.stringify(
          workers.map((worker) => ({
            name: worker.name,
            address: worker.address,
            prefix: prefixOf(topology, machine, worker),
          })),
          null,
          2,
        )}\n`,
      },
    ],
    kubeconfigs: [
      { path: kubeconfig, certificate: 'ingress-controller', server: serverFor(topology, member.name, 'ingress-controller') },
    ],
    folders: [],
    ports: [port],
    probe: { kind: 'http', url: `http://${member.address}:${port}/healthz` },
    address: `${member.address}:${port}`,
  };
}
