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
  switch (spec.program) {
    case 'etcd':
    case 'containerd':
    case 'kube-apiserver':
    case 'apiserver-lb':
    case 'image-registry':
      return { any: [], all: [], objects: false };
    case 'kubelet': {
      const engine = specs
        .filter((other) => other.program === 'containerd' && other.member === spec.member)
        .map((other) => other.name);
      return { any: names('kube-apiserver'), all: [...engine, ...balancer, ...names('image-registry')], objects: true };
    }
    case 'cluster-dns':
    case 'cloud-controller-manager':
      return { any: names('kube-apiserver'), all: balancer, objects: true };
    case 'ingress-controller':
      // A worker counts as switched on when its first process runs.
      return { any: names('kube-apiserver'), all: [...balancer, ...names('containerd')], objects: true };
    default:
      return { any: names('kube-apiserver'), all: balancer, objects: false };
  }
}
