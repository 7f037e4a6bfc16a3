import type { ObjectMeta, OwnerReference } from '@drydock/api/generated/types.ts';
import { deployments, type KubeObject, pods, type Resource, replicaSets } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { epochMs, meta } from '../testing/objects.ts';
import { graphNode, OwnerGraph } from './graph.ts';
import { type ItemObserved, type OwnerState, planItem } from './plan.ts';

const by = (name: string, block = true): OwnerReference => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name,
  uid: `uid-${name}`,
  blockOwnerDeletion: block,
});
const object = (name: string, extra: ObjectMeta = {}): KubeObject => ({ metadata: meta(name, extra) });
const deleted = (finalizer?: string): ObjectMeta => ({
  deletionTimestamp: formatTime(epochMs),
  ...(finalizer === undefined ? {} : { finalizers: [finalizer, 'other'] }),
});

function observe(live: KubeObject, owners: Record<string, OwnerState> = {}, dependents: KubeObject[] = []): ItemObserved {
  return {
    node: graphNode(pods, live),
    live,
    owners: new Map(Object.entries(owners).map(([name, state]) => [`uid-${name}`, state])),
    dependents: dependents.map((dependent) => graphNode(pods, dependent)),
  };
}

function text(observed: ItemObserved): string[] {
  const plan = planItem(observed);
  const actions = plan.actions.map((action) => {
    if (action.verb === 'delete') return `delete ${action.key.name} ${action.propagationPolicy} ${action.preconditions?.uid}`;
    if (action.verb !== 'patch') return action.verb;
    const { ownerReferences, finalizers } = (action.patch.body as { metadata: ObjectMeta }).metadata;
    const owners = ownerReferences?.map((o) => `${o.name ?? `-${o.uid}`}${o.blockOwnerDeletion === false ? '?' : ''}`);
    return `patch ${action.key.name} ${owners === undefined ? '' : `owners=[${owners}]`}${finalizers === undefined ? '' : `finalizers=[${finalizers}]`}`;
  });
  return [...actions, ...plan.next.map((uid) => `next ${uid}`)];
}

const cases: [string, ItemObserved, string[]][] = [
  ['no owners', observe(object('p')), []],
  ['a living owner', observe(object('p', { ownerReferences: [by('a')] }), { a: 'solid' }), []],
  ['owner gone', observe(object('p', { ownerReferences: [by('a')] }), { a: 'absent' }), ['delete p Background uid-p']],
  [
    'one of two gone',
    observe(object('p', { ownerReferences: [by('a'), by('b')] }), { a: 'absent', b: 'solid' }),
    ['patch p owners=[b]'],
  ],
  ['an owner nothing is known about', observe(object('p', { ownerReferences: [by('a'), by('b')] }), { a: 'absent' }), []],
  [
    'owner gone, own finalizer says orphan',
    observe(object('p', { ownerReferences: [by('a')], finalizers: ['orphan'] }), { a: 'absent' }),
    ['delete p Orphan uid-p'],
  ],
  [
    'owner waits, no dependents of its own',
    observe(object('p', { ownerReferences: [by('a')] }), { a: 'waitingForDependents' }),
    ['delete p Background uid-p'],
  ],
  [
    'owner waits, dependents of its own go first',
    observe(object('p', { ownerReferences: [by('a')] }), { a: 'waitingForDependents' }, [
      object('c', { ownerReferences: [by('p')] }),
    ]),
    ['delete p Foreground uid-p'],
  ],
  [
    'a cycle of waiting is broken',
    observe(object('p', { ownerReferences: [by('a')] }), { a: 'waitingForDependents' }, [
      object('c', { ownerReferences: [by('p')], ...deleted('foregroundDeletion') }),
    ]),
    ['patch p owners=[a?]', 'delete p Foreground uid-p'],
  ],
  ['being deleted already', observe(object('p', { ...deleted(), ownerReferences: [by('a')] }), { a: 'absent' }), []],
  [
    'foreground: waits for what blocks',
    observe(object('p', deleted('foregroundDeletion')), {}, [
      object('c', { ownerReferences: [by('p')] }),
      object('d', { ownerReferences: [by('p', false)] }),
    ]),
    ['next uid-c'],
  ],
  [
    'foreground: nothing blocks',
    observe(object('p', deleted('foregroundDeletion')), {}, [object('d', { ownerReferences: [by('p', false)] })]),
    ['patch p finalizers=[other]'],
  ],
  [
    'orphan: dependents are freed first',
    observe(object('p', deleted('orphan')), {}, [object('c', { ownerReferences: [by('p')] })]),
    ['patch c owners=[-uid-p]', 'patch p finalizers=[other]'],
  ],
];

test.each(cases)('%s', (_, observed, expected) => {
  expect(text(observed)).toEqual(expected);
});

/** A tree in memory, collected until nothing is left to do. */
function collect(all: [Resource, KubeObject][]) {
  const graph = new OwnerGraph();
  const store = new Map(all.map(([resource, entry]) => [entry.metadata?.uid ?? '', { resource, entry }]));
  const queue = new Set<string>();
  const look = (uids: Iterable<string>) => {
    for (const uid of uids) queue.add(uid);
  };
  for (const { resource, entry } of store.values()) look(graph.observe(graphNode(resource, entry)));
  const put = (uid: string, metadata: ObjectMeta) => {
    const current = store.get(uid);
    if (current === undefined) return;
    if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) {
      store.delete(uid);
      look(graph.remove(uid));
      return;
    }
    store.set(uid, { ...current, entry: { metadata } });
    look(graph.observe(graphNode(current.resource, { metadata })));
  };
  const remove = (uid: string, policy: string) => {
    const metadata = store.get(uid)?.entry.metadata ?? {};
    const finalizer = policy === 'Foreground' ? ['foregroundDeletion'] : policy === 'Orphan' ? ['orphan'] : [];
    put(uid, { ...metadata, ...deleted(), finalizers: finalizer });
  };
  const run = () => {
    for (let rounds = 0; queue.size > 0; rounds++) {
      expect(rounds).toBeLessThan(100);
      const [uid = ''] = queue;
      queue.delete(uid);
      const found = store.get(uid);
      const node = graph.node(uid);
      if (found === undefined || node === undefined) continue;
      const owners = new Map<string, OwnerState>();
      for (const owner of found.entry.metadata?.ownerReferences ?? []) {
        const state = graph.node(owner.uid)?.deletingDependents ? 'waitingForDependents' : 'solid';
        owners.set(owner.uid, store.has(owner.uid) ? state : 'absent');
      }
      const plan = planItem({ node, live: found.entry, owners, dependents: graph.dependentsOf(uid) });
      for (const action of plan.actions) {
        if (action.verb === 'delete') remove(`uid-${action.key.name}`, action.propagationPolicy ?? '');
        if (action.verb !== 'patch') continue;
        const target = `uid-${action.key.name}`;
        const current = store.get(target)?.entry.metadata ?? {};
        const { ownerReferences, finalizers } = (action.patch.body as { metadata: ObjectMeta }).metadata;
        const kept =
          action.patch.type === 'strategic'
            ? current.ownerReferences?.filter((owner) => owner.uid !== ownerReferences?.[0]?.uid)
            : (ownerReferences ?? current.ownerReferences);
        put(target, { ...current, ownerReferences: kept, finalizers: finalizers ?? current.finalizers });
      }
      look(plan.next);
    }
    return [...store.values()].map(({ entry }) => entry.metadata?.name);
  };
  return { remove, run };
}

const tree = (): [Resource, KubeObject][] => [
  [deployments, object('d')],
  [replicaSets, object('r', { ownerReferences: [by('d')] })],
  [pods, object('p1', { ownerReferences: [by('r')] })],
  [pods, object('p2', { ownerReferences: [by('r')] })],
  [pods, object('free')],
];

test.each([
  ['Background', ['free']],
  ['Foreground', ['free']],
  ['Orphan', ['r', 'p1', 'p2', 'free']],
])('fixpoint: deleting the root with %s leaves %j', (policy, left) => {
  const world = collect(tree());
  world.run();
  world.remove('uid-d', policy);
  expect(world.run()).toEqual(left);
  expect(world.run()).toEqual(left);
});

test('an object whose owner never existed is collected when it appears', () => {
  expect(collect([[pods, object('p', { ownerReferences: [by('ghost')] })]]).run()).toEqual([]);
});
