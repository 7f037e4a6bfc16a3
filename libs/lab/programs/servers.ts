// Where clients of the apiservers connect to: all of them over gRPC where both sides are ours, else the balancer over HTTPS.
import type { ProgramName } from '../config.ts';
import { type Member, membersOf, portOf, processName, type Topology } from '../topology.ts';
import { isOurs } from './process-spec.ts';

/** `server:` of the kubeconfig of a component. */
export function serverFor(topology: Topology, processName: string, program: ProgramName): string {
  const apiservers = membersOf(topology, 'apiserver');
  const grpc =
    isOurs(topology, processName, program) && apiservers.every((to) => isOurs(topology, apiserverName(to), 'kube-apiserver'));
  if (!grpc) return balancerServer(topology);
  return `grpcs://${apiservers.map((member) => `${member.address}:${portOf(topology, member, 'apiserver-grpc')}`).join(',')}`;
}

function apiserverName(member: Member): string {
  return processName('apiserver', member);
}

/** What kubectl and the host use. */
export function balancerServer(topology: Topology): string {
  const member = balancerOf(topology);
  return `https://${member.address}:${portOf(topology, member, 'apiserver-https')}`;
}

export function balancerOf(topology: Topology): Member {
  const [member] = membersOf(topology, 'balancer');
  if (member === undefined) throw new RangeError('a lab has a balancer');
  return member;
}

/** The store's client endpoints. */
export function etcdEndpoints(topology: Topology): string[] {
  return membersOf(topology, 'etcd').map((member) => `https://${member.address}:${portOf(topology, member, 'etcd-client')}`);
}
