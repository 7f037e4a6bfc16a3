import type { Container, Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { oomScoreAdj } from './resources.ts';

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
