// Command line of a cloud-controller-manager: it gives out addresses of the lab's range, and makes the balancer's routes to them.
import { timingFlags } from '../timings.ts';
import { loadBalancersOf, type Member, portOf } from '../topology.ts';
import { commandLine, componentFlags, configFile, type ProcessSpec, type ProgramContext, toFlags } from './process-spec.ts';
import { serverFor } from './servers.ts';

export function cloudControllerManager(context: ProgramContext, member: Member): ProcessSpec {
  const { topology } = context;
  const program = 'cloud-controller-manager';
  const kubeconfig = configFile(topology.paths, `${member.name}.kubeconfig`);
  const port = portOf(topology, member, program);
  const balanced = loadBalancersOf(topology);
  const flags = toFlags({
    ...componentFlags(kubeconfig, member.address, port),
    'leader-elect': true,
    'load-balancer-cidr': balanced?.cidr,
    'load-balancer-router': balanced?.router.netns,
  });
  return {
    name: member.name,
    program,
    member,
    argv: commandLine(context, member.name, program, [...flags, ...timingFlags(program, topology.config.timings)]),
    env: {},
    files: [],
    kubeconfigs: [{ path: kubeconfig, certificate: program, server: serverFor(topology, member.name, program) }],
    folders: [],
    ports: [port],
    probe: { kind: 'http', url: `https://${member.address}:${port}/healthz` },
    address: `${member.address}:${port}`,
  };
}
