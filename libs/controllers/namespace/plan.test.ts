import type { Namespace } from '@drydock/api/generated/types.ts';
import { deployments, namespaces, pods } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { epochMs } from '../testing/objects.ts';
import { type Attempt, isTerminating, planAfterAttempt } from './plan.ts';

const terminating: Namespace = {
  metadata: { name: 'shop', uid: 'uid-shop', resourceVersion: '7', deletionTimestamp: formatTime(epochMs) },
  spec: { finalizers: ['kubernetes', 'example.com/mine'] },
  status: { phase: 'Terminating' },
};
const none: Attempt = { leftovers: [], failures: [], stale: [] };
const some: Attempt = {
  leftovers: [
    { resource: pods, count: 2, finalizers: new Map(), graceSeconds: 30 },
    { resource: deployments, count: 1, finalizers: new Map([['example.com/wait', 1]]), graceSeconds: 0 },
  ],
  failures: [],
  stale: [],
};

test('a namespace stays while it is not known what it has, and says of which groups', () => {
  const plan = planAfterAttempt(terminating, { ...none, stale: ['b.test/v1', 'a.test/v1'] }, epochMs);
  expect(plan.requeueAfterMs).toBe(8_000);
  const [action] = plan.actions;
  const [condition] = action?.verb === 'update' ? ((action.object as Namespace).status?.conditions ?? []) : [];
  expect([action?.verb === 'update' && action.subresource, condition]).toEqual([
    'status',
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'True',
      reason: 'DiscoveryFailed',
      message:
        'Discovery failed for some groups, 2 failing: unable to retrieve the complete list of server APIs: a.test/v1: stale GroupVersion discovery: a.test/v1, b.test/v1: stale GroupVersion discovery: b.test/v1',
      lastTransitionTime: formatTime(epochMs),
    },
  ]);
});

test('an empty namespace gives up its finalizer, and no other', () => {
  expect(planAfterAttempt(terminating, none, epochMs).actions).toMatchObject([
    { verb: 'update', subresource: 'finalize', object: { spec: { finalizers: ['example.com/mine'] } } },
  ]);
});

test('what is left is said in the conditions, and looked at again after half its grace period', () => {
  const plan = planAfterAttempt(terminating, some, epochMs);
  expect(plan.requeueAfterMs).toBe(16_000);
  const [action] = plan.actions;
  const conditions = action?.verb === 'update' ? (action.object as Namespace).status?.conditions : [];
  expect(conditions?.map((c) => `${c.type} ${c.status} ${c.reason}: ${c.message}`)).toEqual([
    'NamespaceDeletionDiscoveryFailure False ResourcesDiscovered: All resources successfully discovered',
    'NamespaceDeletionGroupVersionParsingFailure False ParsedGroupVersions: All legacy kube types successfully parsed',
    'NamespaceDeletionContentFailure False ContentDeleted: All content successfully deleted, may be waiting on finalization',
    'NamespaceContentRemaining True SomeResourcesRemain: Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances',
    'NamespaceFinalizersRemaining True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/wait in 1 resource instances',
  ]);
});

test('a failed call keeps the namespace', () => {
  const plan = planAfterAttempt(terminating, { leftovers: [], failures: ['no route to webhook'], stale: [] }, epochMs);
  expect(JSON.stringify(plan.actions)).toContain('Failed to delete all resource types, 1 remaining: no route to webhook');
});

test('a namespace that is not ending, or is finalized, is left alone', () => {
  expect(isTerminating({ ...terminating, metadata: { name: 'shop' } })).toBe(false);
  expect(planAfterAttempt({ ...terminating, spec: { finalizers: [] } }, none, epochMs).actions).toEqual([]);
});

test.each([
  ['something left', some],
  ['nothing left', none],
])('fixpoint: %s', (_, attempt) => {
  const model = new Model();
  model.add(namespaces, terminating);
  const plan = () => planAfterAttempt(model.get(namespaces, 'shop') ?? terminating, attempt, epochMs);
  model.apply(
    plan().actions.map((action) => (action.verb === 'update' && action.subresource === 'finalize' ? without(action) : action)),
  );
  expect(plan().actions).toEqual([]);
});

/** The finalize subresource writes `spec.finalizers`. */
function without<A extends { subresource?: string }>(action: A): A {
  const { subresource: _, ...rest } = action;
  return rest as A;
}
