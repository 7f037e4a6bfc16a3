import type { Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { isNews } from './pod-worker.ts';

const pod: Pod = {
  metadata: { name: 'p', resourceVersion: '1', generation: 1, labels: { a: 'b' } },
  spec: { containers: [{ name: 'c' }] },
  status: { phase: 'Pending', conditions: [{ type: 'Ready', status: 'False' }] },
};

test.each<[string, Pod, boolean]>([
  ['nothing', pod, false],
  ['another version', { ...pod, metadata: { ...pod.metadata, resourceVersion: '2' } }, false],
  ['own status', { ...pod, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }, false],
  ['a label', { ...pod, metadata: { ...pod.metadata, labels: { a: 'c' } } }, true],
  ['the end', { ...pod, metadata: { ...pod.metadata, deletionTimestamp: 'now' } }, true],
  ['a final phase', { ...pod, status: { ...pod.status, phase: 'Failed' } }, true],
  ['a gate of others', { ...pod, status: { conditions: [{ type: 'gate', status: 'True' }] } }, true],
])('what a worker looks at again: %s', (_, after, expected) => {
  expect(isNews(pod, after)).toBe(expected);
});
