// What hangs on gates, which the original that the other answers are recorded from has as they are by default.
import { expect, test } from 'vitest';
import type { KubeObject } from '../resource.ts';
import { findResource, type ResourceInfo } from '../scheme.ts';
import { fieldErrorText } from './field-error.ts';
import type { GateEnabled } from './gates.ts';
import { validateCreate, validateUpdate } from './validate.ts';

const info = findResource('autoscaling', 'v2', 'horizontalpodautoscalers') as ResourceInfo;
const outside = { type: 'External', external: { metric: { name: 'q' }, target: { type: 'Value', value: '1' } } };
const inside = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 1 } } };
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
const autoscaler = (minReplicas: number, ...metrics: object[]) =>
  ({
    metadata: { name: 'h', namespace: 'a', resourceVersion: '1' },
    spec: { scaleTargetRef, minReplicas, maxReplicas: 1, metrics },
  }) as KubeObject;
const on: GateEnabled = () => true;
const off: GateEnabled = () => false;
const tooFew = 'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1';
const none = 'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas';

test.each([
  ['off', off, outside, [tooFew]],
  ['on', on, outside, []],
  ['on, without a metric from outside', on, inside, [none]],
] as const)('no pods at all, with HPAScaleToZero %s', (_, gateEnabled, metric, problems) => {
  expect(validateCreate(info, autoscaler(0, metric), gateEnabled).map(fieldErrorText)).toEqual(problems);
});

test('one that may go to none already may go on so with the gate off', () => {
  const old = autoscaler(0, outside);
  expect(validateUpdate(info, autoscaler(0, outside), old)).toEqual([]);
  expect(validateUpdate(info, autoscaler(0, outside), autoscaler(1, outside)).map(fieldErrorText)).toEqual([tooFew]);
});

test('a version that was stored may stay, of the target and of objects', () => {
  const described = { apiVersion: 'a/b/c', kind: 'Ingress', name: 'i' };
  const metric = {
    type: 'Object',
    object: { describedObject: described, metric: { name: 'm' }, target: { type: 'Value', value: '1' } },
  };
  const odd = (maxReplicas: number) =>
    ({
      metadata: { name: 'h', namespace: 'a', resourceVersion: '1' },
      spec: { scaleTargetRef: { ...scaleTargetRef, apiVersion: 'v1' }, minReplicas: 1, maxReplicas, metrics: [metric] },
    }) as KubeObject;
  expect(validateUpdate(info, odd(3), odd(2))).toEqual([]);
  expect(validateUpdate(info, odd(3), autoscaler(1, inside)).map(({ field }) => field)).toEqual([
    'spec.scaleTargetRef.apiVersion',
    'spec.metrics[0].object.describedObject.apiVersion',
  ]);
});
