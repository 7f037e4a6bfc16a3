import type { Container, Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { oomScoreAdj, sandboxResources } from './resources.ts';

const capacity = 100 * 1024 ** 2;
const asking = (name: string, memory?: string, more: Partial<Container> = {}): Container => ({
  name,
  ...(memory === undefined ? {} : { resources: { requests: { memory } } }),
  ...more,
});
const podOf = (spec: Partial<NonNullable<Pod['spec']>>): Pod => ({
  metadata: {},
  spec: { containers: [asking('a')], ...spec },
});
const guaranteed = { resources: { requests: { cpu: '1', memory: '1Mi' }, limits: { cpu: '1', memory: '1Mi' } } };

test.each<[string, Pod, number]>([
  ['asks for nothing', podOf({}), 1000],
  ['asks for a tenth', podOf({ containers: [asking('a', '10Mi')] }), 900],
  ['asks for next to nothing', podOf({ containers: [asking('a', '1')] }), 999],
  ['asks for more than there is', podOf({ containers: [asking('a', '1Gi')] }), 3],
  ['is guaranteed', podOf({ containers: [asking('a', undefined, guaranteed)] }), -997],
  ['is critical to the node', podOf({ priority: 2_000_001_000, priorityClassName: 'system-node-critical' }), -997],
  ['is critical to the cluster alone', podOf({ priority: 2_000_000_000, priorityClassName: 'system-cluster-critical' }), 1000],
  ['says that it is critical and is not', podOf({ priority: 0, priorityClassName: 'system-node-critical' }), 1000],
])('a pod that %s', (_, pod, score) => {
  expect(oomScoreAdj(pod, pod.spec?.containers[0] ?? { name: '' }, capacity)).toBe(score);
});

test('a sidecar does not end before what it serves', () => {
  const sidecar = asking('s', '1Mi', { restartPolicy: 'Always' });
  const init = asking('i', '1Mi');
  const pod = podOf({ containers: [asking('a', '10Mi'), asking('b', '50Mi')], initContainers: [init, sidecar] });
  expect(oomScoreAdj(pod, sidecar, capacity)).toBe(500);
  expect(oomScoreAdj(pod, init, capacity)).toBe(990);
  const big = asking('s', '80Mi', { restartPolicy: 'Always' });
  expect(oomScoreAdj(podOf({ containers: [asking('a', '10Mi')], initContainers: [big] }), big, capacity)).toBe(200);
});

test('a sandbox is told what its containers take together, and apart from that what it takes itself', () => {
  const sized = (cpu: string, memory: string): Partial<Container> => ({
    resources: { requests: { cpu: '100m' }, limits: { cpu, memory } },
  });
  const containers = [asking('a', undefined, sized('500m', '64Mi')), asking('b', undefined, sized('1', '32Mi'))];
  const resources = { cpu_period: 100_000, cpu_quota: 150_000, cpu_shares: 204, memory_limit_in_bytes: 96 * 1024 ** 2 };
  expect(sandboxResources(podOf({ containers }))).toEqual({ resources });
  const overhead = { cpu: '250m', memory: '120Mi' };
  expect(sandboxResources(podOf({ containers, overhead }))).toEqual({
    resources,
    overhead: { cpu_period: 100_000, cpu_quota: 25_000, cpu_shares: 256, memory_limit_in_bytes: 120 * 1024 ** 2 },
  });
  const none = { cpu_period: 100_000, cpu_quota: 0, cpu_shares: 2, memory_limit_in_bytes: 0 };
  expect(sandboxResources(podOf({}))).toEqual({ resources: none });
});
