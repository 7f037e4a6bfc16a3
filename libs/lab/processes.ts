// All processes of a lab, in the order in which they are started and shown.
import { cloudControllerManager } from './programs/cloud.ts';
import { apiserver, balancer, controllerManager, etcd, scheduler } from './programs/control-plane.ts';
import { csiLocal } from './programs/csi-local.ts';
import { imageRegistry } from './programs/image-registry.ts';
import { ingressController } from './programs/ingress.ts';
import { metricsServer } from './programs/metrics.ts';
import type { ProcessSpec, ProgramContext } from './programs/process-spec.ts';
import { asStaticPod } from './programs/static-pod.ts';
import { clusterDns, containerd, kubelet, kubeProxy } from './programs/worker.ts';
import type { Member } from './topology.ts';

/** Command lines and files of every process. */
export function processesOf(context: ProgramContext): ProcessSpec[] {
  return context.topology.members.flatMap((member) => processesOfMember(context, member));
}

function processesOfMember(context: ProgramContext, member: Member): ProcessSpec[] {
  const { config } = context.topology;
  switch (member.kind) {
    case 'etcd':
      return [etcd(context, member)];
    case 'apiserver':
      return [apiserver(context, member)];
    case 'balancer':
      return [balancer(context, member), ...(config.engine === 'containerd' ? [imageRegistry(context, member)] : [])];
    case 'scheduler':
      return [scheduler(context, member)];
    case 'controller-manager':
      return [controllerManager(context, member)];
    case 'dns':
      return [clusterDns(context, member)];
    case 'ingress':
      return [ingressController(context, member)];
    case 'cloud-controller-manager':
      return [cloudControllerManager(context, member)];
    case 'metrics':
      return [metricsServer(context, member)];
    case 'control-plane':
      return [
        ...nodeProcesses(context, member),
        ...[etcd, apiserver, scheduler, controllerManager].map((program) => asStaticPod(context, program(context, member))),
      ];
    case 'worker':
      return nodeProcesses(context, member);
  }
}

function nodeProcesses(context: ProgramContext, member: Member): ProcessSpec[] {
  const { config } = context.topology;
  return [
    ...(config.engine === 'containerd' ? [containerd(context, member)] : []),
    kubelet(context, member),
    // Without namespaces there is no packet path that rules could change.
    ...(config.network === 'netns' ? [kubeProxy(context, member)] : []),
    ...(config.storage === 'local' && member.kind === 'worker' ? [csiLocal(context, member)] : []),
  ];
}
