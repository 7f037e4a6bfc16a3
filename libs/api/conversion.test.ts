import { expect, test } from 'vitest';
import { convert } from './conversion.ts';
import type { KubeObject } from './resource.ts';

const v2 = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'h', annotations: { mine: 'x' } },
  spec: {
    maxReplicas: 3,
    scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' },
    metrics: [
      { type: 'Pods', pods: { metric: { name: 'requests' }, target: { type: 'AverageValue', averageValue: '10' } } },
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
    ],
    behavior: { scaleDown: { stabilizationWindowSeconds: 10 } },
  },
  status: { currentReplicas: 1, desiredReplicas: 1 },
};

test('an autoscaler keeps everything on the way through the older version', () => {
  const v1 = convert(v2 as KubeObject, 'autoscaling/v1');
  expect(v1).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50, maxReplicas: 3 } });
  expect(v1).not.toHaveProperty('spec.metrics');
  expect(v1).not.toHaveProperty('spec.behavior');
  expect(convert(v1, 'autoscaling/v2')).toEqual(v2);
});

test('events trade names', () => {
  const core = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {},
    involvedObject: { name: 'p' },
    message: 'm',
    count: 2,
  } as KubeObject;
  const events = convert(core, 'events.k8s.io/v1');
  expect(events).toEqual({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: {},
    regarding: { name: 'p' },
    note: 'm',
    deprecatedCount: 2,
  });
  expect(convert(events, 'v1')).toEqual(core);
});

test('an object already in the version is the same object', () => {
  expect(convert(v2 as KubeObject, 'autoscaling/v2')).toBe(v2);
});
