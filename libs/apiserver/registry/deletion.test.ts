import type { DeleteOptions } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { findResource } from '@drydock/api/scheme.ts';
import { expect, test } from 'vitest';
import { completesDeletion, planDeletion } from './deletion.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

function info(group: string, resource: string) {
  const found = findResource(group, 'v1', resource);
  if (found === undefined) throw new Error(resource);
  return found;
}

const pod = (extra: object = {}, meta: object = {}) =>
  ({
    metadata: { name: 'p', uid: 'u', generation: 1, ...meta },
    spec: { nodeName: 'n', terminationGracePeriodSeconds: 30 },
    ...extra,
  }) as KubeObject;

const plain = (meta: object = {}) => ({ metadata: { name: 'c', uid: 'u', ...meta } }) as KubeObject;

const cases: readonly [string, [string, string], KubeObject, DeleteOptions, string, object?][] = [
  ['a plain object goes', ['', 'configmaps'], plain(), {}, 'remove'],
  [
    'finalizers hold it',
    ['', 'configmaps'],
    plain({ finalizers: ['a/b'] }),
    {},
    'mark',
    { deletionGracePeriodSeconds: 0, deletionTimestamp: '2026-01-01T00:00:00Z' },
  ],
  [
    'foreground adds a finalizer',
    ['', 'configmaps'],
    plain(),
    { propagationPolicy: 'Foreground' },
    'mark',
    { finalizers: ['foregroundDeletion'] },
  ],
  ['jobs orphan by default', ['batch', 'jobs'], plain(), {}, 'mark', { finalizers: ['orphan'] }],
  [
    'a bound pod gets its grace',
    ['', 'pods'],
    pod(),
    {},
    'mark',
    { deletionGracePeriodSeconds: 30, deletionTimestamp: '2026-01-01T00:00:30Z', generation: 2 },
  ],
  ['an unbound pod goes at once', ['', 'pods'], pod({ spec: {} }), {}, 'remove'],
  ['a finished pod goes at once', ['', 'pods'], pod({ status: { phase: 'Failed' } }), {}, 'remove'],
  ['grace 0 on a bound pod', ['', 'pods'], pod(), { gracePeriodSeconds: 0 }, 'remove'],
  ['negative grace is one second', ['', 'pods'], pod(), { gracePeriodSeconds: -1 }, 'mark', { deletionGracePeriodSeconds: 1 }],
  [
    'the same grace again changes nothing',
    ['', 'pods'],
    pod({}, { deletionTimestamp: '2026-01-01T00:00:20Z', deletionGracePeriodSeconds: 30 }),
    {},
    'pending',
  ],
  [
    'grace 0 ends a deletion under way',
    ['', 'pods'],
    pod({}, { deletionTimestamp: '2026-01-01T00:00:20Z', deletionGracePeriodSeconds: 30 }),
    { gracePeriodSeconds: 0 },
    'remove',
  ],
  [
    'a namespace is marked first',
    ['', 'namespaces'],
    { metadata: { name: 'n' }, spec: { finalizers: ['kubernetes'] } } as KubeObject,
    {},
    'mark',
    {},
  ],
];

test.each(cases)('%s', (_name, [group, resource], object, options, action, meta) => {
  const plan = planDeletion(info(group, resource), object, options, now);
  expect(plan.action).toBe(action);
  if (meta !== undefined) expect(plan.object.metadata).toMatchObject(meta);
});

test('preconditions name what differs', () => {
  expect(() => planDeletion(info('', 'configmaps'), plain(), { preconditions: { uid: 'other' } }, now)).toThrow(
    'Operation cannot be fulfilled on ConfigMap "c": the UID in the precondition (other) does not match the UID in record (u). The object might have been deleted and then recreated',
  );
});

test('removing the last finalizer completes the deletion', () => {
  const old = plain({ finalizers: ['a/b'], deletionTimestamp: 'x', deletionGracePeriodSeconds: 0 });
  expect(completesDeletion(info('', 'configmaps'), old, plain({ deletionTimestamp: 'x' }))).toBe(true);
  expect(completesDeletion(info('', 'configmaps'), plain({ finalizers: ['a/b'] }), plain())).toBe(false);
});
