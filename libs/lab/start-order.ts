// What is started when. Everything comes back by itself when something that it needs is late, so this is only about speed:
// a process that starts too early burns the processor that its predecessor needs, and then waits out a back-off.
import type { ProcessSpec } from './programs/process-spec.ts';

/** Names of which one (`any`) or all must serve before a process is started. */
export interface StartCondition {
  readonly any: readonly string[];
  readonly all: readonly string[];
  /** Whether the lab's own objects must exist. */
  readonly objects: boolean;
}

export function startCondition(spec: ProcessSpec, specs: readonly ProcessSpec[]): StartCondition {
  const names = (program: ProcessSpec['program']) =>
    specs.filter((other) => other.program === program).map((other) => other.name);
  // Through the balancer where gRPC does not go.
  const balancer = spec.kubeconfigs.some((entry) => entry.server.startsWith('https:')) ? names('apiserver-lb') : [];
  // Of its node: it runs what the manifests say.
  const own = (program: ProcessSpec['program']) =>
    specs.filter((other) => other.program === program && other.member === spec.member).map((other) => other.name);
  if (spec.staticPod !== undefined) return staticPodCondition(spec, own('kubelet'), names('kube-apiserver'));
  switch (spec.program) {
    case 'etcd':
    case 'containerd':
    case 'kube-apiserver':
    case 'apiserver-lb':
    case 'image-registry':
      return { any: [], all: [], objects: false };
    case 'kubelet': {
      const engine = own('containerd');
      // It runs the apiserver that would have to be there first.
      if (specs.some((other) => other.staticPod !== undefined && other.member === spec.member))
        return { any: [], all: [...engine, ...names('image-registry')], objects: false };
      return { any: names('kube-apiserver'), all: [...engine, ...balancer, ...names('image-registry')], objects: true };
    }
    case 'cluster-dns':
    case 'cloud-controller-manager':
    case 'metrics-server':
    case 'csi-local':
      return { any: names('kube-apiserver'), all: balancer, objects: true };
    case 'ingress-controller':
      // A worker counts as switched on when its first process runs.
      return { any: names('kube-apiserver'), all: [...balancer, ...names('containerd')], objects: true };
    default:
      return { any: names('kube-apiserver'), all: balancer, objects: false };
  }
}

/** The controller-manager last: it gives ranges to nodes that have none yet. */
function staticPodCondition(
  { program }: ProcessSpec,
  kubelet: readonly string[],
  apiservers: readonly string[],
): StartCondition {
  const isServer = program === 'etcd' || program === 'kube-apiserver';
  return { any: isServer ? [] : apiservers, all: kubelet, objects: program === 'kube-controller-manager' };
}
