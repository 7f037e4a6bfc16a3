// What the original drops while a gate is off (asked by creating and updating each).
import { expect, test } from 'vitest';
import { dropDisabledFields, type FieldGate } from './disabled-fields.ts';
import type { KubeObject } from './resource.ts';
import { findResource, type ResourceInfo } from './scheme.ts';

const statefulSets = findResource('apps', 'v1', 'statefulsets') as ResourceInfo;
const pods = findResource('', 'v1', 'pods') as ResourceInfo;
const off = () => false;

const set = (maxUnavailable?: number) =>
  ({
    spec: { updateStrategy: { rollingUpdate: { partition: 0, ...(maxUnavailable ? { maxUnavailable } : {}) } } },
  }) as KubeObject;

test.each([
  ['new', set(2), undefined, off, set()],
  ['an old one without it', set(2), set(), off, set()],
  ['an old one with it', set(2), set(1), off, set(2)],
  ['switched on', set(2), undefined, (gate: FieldGate) => gate === 'MaxUnavailableStatefulSet', set(2)],
] as const)('maxUnavailable of a StatefulSet: %s', (_name, object, old, enabled, wanted) => {
  const written = structuredClone(object) as KubeObject;
  dropDisabledFields(statefulSets, written, old, enabled);
  expect(written).toEqual(wanted);
});

test.each([
  ['new', undefined, {}],
  ['an old one without any', {}, {}],
  ['an old one with that of the other direction', { scaleDown: { tolerance: '0' } }, { tolerance: '50m' }],
])('the tolerance of an autoscaler: %s', (_name, behavior, scaleUp) => {
  const info = findResource('autoscaling', 'v2', 'horizontalpodautoscalers') as ResourceInfo;
  const written = { spec: { behavior: { scaleUp: { tolerance: '50m' } } } } as KubeObject;
  dropDisabledFields(info, written, behavior && ({ spec: { behavior } } as KubeObject), off);
  expect(written).toEqual({ spec: { behavior: { scaleUp } } });
});

test('projected sources of a pod, and of nothing that is no such list', () => {
  const pod = (...sources: object[]) =>
    ({ spec: { volumes: [{ name: 'v', projected: { sources } }, { name: 'w' }] } }) as KubeObject;
  const written = pod({ clusterTrustBundle: { path: 'p' } }, { podCertificate: {} }, { configMap: { name: 'x' } });
  dropDisabledFields(pods, written, undefined, off);
  expect(written).toEqual(pod({}, {}, { configMap: { name: 'x' } }));
  const odd = { spec: { volumes: 'none' } } as unknown as KubeObject;
  dropDisabledFields(pods, odd, undefined, off);
  expect(odd).toEqual({ spec: { volumes: 'none' } });
});
