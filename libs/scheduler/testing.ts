// Short spellings of nodes and pods for tests.
import type { Node, Pod, PodSpec } from '@drydock/api/generated/types.ts';

export function node(
  name: string,
  more: { cpu?: string; memory?: string; pods?: string; labels?: Record<string, string>; spec?: Node['spec'] } = {},
): Node {
  const allocatable = { cpu: more.cpu ?? '4', memory: more.memory ?? '8Gi', pods: more.pods ?? '110' };
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more.labels } },
    spec: more.spec ?? {},
    status: { allocatable, capacity: allocatable },
  };
}

export function pod(
  name: string,
  more: { cpu?: string; memory?: string; ports?: number[]; spec?: Partial<PodSpec>; status?: Pod['status'] } = {},
): Pod {
  const requests: Record<string, string> = {};
  if (more.cpu !== undefined) requests['cpu'] = more.cpu;
  if (more.memory !== undefined) requests['memory'] = more.memory;
  const ports = (more.ports ?? []).map((port) => ({ containerPort: port, hostPort: port, protocol: 'TCP' }));
  return {
    metadata: { name, namespace: 'default', uid: `uid-${name}`, generation: 1 },
    spec: { containers: [{ name: 'c', image: 'x', resources: { requests }, ports }], ...more.spec },
    status: more.status ?? { phase: 'Pending' },
  };
}
