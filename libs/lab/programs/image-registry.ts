// Command line of the registry that serves the lab's images to its workers.
import { type LabPaths, type Member, nodesOf, portOf, type Topology } from '../topology.ts';
import { nodeCommand, type ProcessSpec, type ProgramContext, toFlags } from './process-spec.ts';
import { balancerOf } from './servers.ts';

/** The images that workers get from the lab: its own and those that were loaded. An OCI image layout. */
export function imageLayout(paths: LabPaths): string {
  return `${paths.dir}/images`;
}

/** Where the workers' containerds ask. Plain HTTP: what comes is checked against its digest, and it is no secret. */
export function imageRegistryServer(topology: Topology): string {
  const member = balancerOf(topology);
  return `http://${member.address}:${portOf(topology, member, 'image-registry')}`;
}

export function imageRegistry(context: ProgramContext, member: Member): ProcessSpec {
  const { topology, machine } = context;
  const port = portOf(topology, member, 'image-registry');
  const nodes = nodesOf(topology).map(({ address }) => address);
  return {
    name: 'image-registry',
    program: 'image-registry',
    member,
    argv: [
      ...nodeCommand(machine, 'image-registry'),
      `${topology.paths.repo}/apps/drydock/image-registry.ts`,
      ...toFlags({
        listen: `${member.address}:${port}`,
        layout: imageLayout(topology.paths),
        clients: [member.address, ...nodes].join(','),
      }),
    ],
    env: {},
    files: [],
    kubeconfigs: [],
    folders: [],
    ports: [port],
    probe: { kind: 'tcp', host: member.address, port },
    address: `${member.address}:${port}`,
  };
}
