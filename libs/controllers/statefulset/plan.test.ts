import type { PersistentVolumeClaim, Pod, StatefulSet, StatefulSetSpec } from '@drydock/api/generated/types.ts';
import { controllerRevisions, persistentVolumeClaims, pods as podResource, statefulSets } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { controllerReference } from '../common/action.ts';
import { planRevision } from '../common/revisions.ts';
import { Model } from '../testing/model.ts';
import { epochMs, meta, type PodOptions, pod } from '../testing/objects.ts';
import { withIdentity } from './identity.ts';
import { planStatefulSet, revisionOwner, statusAfter } from './plan.ts';

const labels = { app: 'db' };
const claims = [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }];

function statefulSet(spec: Partial<StatefulSetSpec> = {}, image = 'db:2'): StatefulSet {
  return {
    metadata: meta('db'),
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      podManagementPolicy: 'OrderedReady',
      revisionHistoryLimit: 10,
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } },
      ...spec,
    },
  };
}

const parallel = (spec: Partial<StatefulSetSpec> = {}) => statefulSet({ podManagementPolicy: 'Parallel', ...spec });
const revisionAt = (image: string, number: number) => ({
  ...planRevision(revisionOwner(statefulSet({}, image)), []).current,
  revision: number,
});
const [oldRevision, revision] = [revisionAt('db:1', 1), revisionAt('db:2', 2)];
const [oldName, newName] = [oldRevision.metadata?.name ?? '', revision.metadata?.name ?? ''];

interface OwnOptions extends PodOptions {
  readonly old?: boolean;
}

function own(ordinal: number, { old = false, ...options }: OwnOptions = {}): Pod {
  const base = pod('', { labels: { ...labels, 'controller-revision-hash': old ? oldName : newName }, ...options });
  const named = withIdentity(statefulSet(), base, ordinal);
  return {
    ...named,
    metadata: { ...named.metadata, uid: `uid-${ordinal}`, ownerReferences: [controllerReference(statefulSets, statefulSet())] },
  };
}

function planOf(
  set: StatefulSet,
  pods: readonly Pod[],
  present: readonly PersistentVolumeClaim[] = [],
  severalUnavailable = true,
) {
  const observed = { ...set, status: { replicas: 0, currentRevision: oldName, ...set.status } };
  const plan = planStatefulSet(
    {
      set: observed,
      pods,
      revisions: [oldRevision, revision],
      claim: (name) => present.find((one) => one.metadata?.name === name),
      severalUnavailable,
    },
    epochMs,
  );
  return { ...plan, done: plan.steps.map(({ verb, what }) => `${verb} ${what.replace(/ in StatefulSet db$/, '')}`) };
}

const ill = { ready: false };
const cases: [string, StatefulSet, Pod[], string[]][] = [
  ['ordered: the first', statefulSet(), [], ['Create Pod db-0']],
  ['ordered: waits until it is ready', statefulSet(), [own(0, ill)], []],
  ['ordered: then the next', statefulSet(), [own(0)], ['Create Pod db-1']],
  ['ordered: fills a gap before it waits', statefulSet(), [own(1, ill), own(2)], ['Create Pod db-0']],
  ['parallel: all', parallel(), [], ['Create Pod db-0', 'Create Pod db-1', 'Create Pod db-2']],
  ['minReadySeconds count', statefulSet({ minReadySeconds: 60 }), [own(0, { readyAgeS: 20 })], []],
  ['other ordinals', parallel({ ordinals: { start: 5 }, replicas: 1 }), [], ['Create Pod db-5']],
  ['a failed pod is made again', statefulSet(), [own(0, { phase: 'Failed' })], ['Delete Pod db-0']],
  ['scaled down from the top', statefulSet({ replicas: 1 }), [own(0), own(1), own(2)], ['Delete Pod db-2']],
  ['not while another is ill', statefulSet({ replicas: 1 }), [own(0), own(1, ill), own(2, ill)], []],
  ['the first that is ill may go', statefulSet({ replicas: 1 }), [own(0), own(1), own(2, ill)], ['Delete Pod db-2']],
  [
    'parallel: all that are too many',
    parallel({ replicas: 1 }),
    [own(0), own(1), own(2, ill)],
    ['Delete Pod db-2', 'Delete Pod db-1'],
  ],
  [
    'update from the top',
    statefulSet(),
    [own(0, { old: true }), own(1, { old: true }), own(2, { old: true })],
    ['Delete Pod db-2'],
  ],
  ['update waits for the last', parallel(), [own(0, { old: true }), own(1, { old: true }), own(2, ill)], []],
  ['update: the next', statefulSet(), [own(0, { old: true }), own(1, { old: true }), own(2)], ['Delete Pod db-1']],
  [
    'update ends at the partition',
    statefulSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }),
    [own(0, { old: true }), own(1, { old: true }), own(2)],
    [],
  ],
  [
    'update: several at a time',
    parallel({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } }),
    [own(0, { old: true }), own(1, { old: true }), own(2, { old: true })],
    ['Delete Pod db-2', 'Delete Pod db-1'],
  ],
  [
    'OnDelete leaves them',
    statefulSet({ updateStrategy: { type: 'OnDelete' } }),
    [own(0, { old: true }), own(1, { old: true }), own(2, { old: true })],
    [],
  ],
  [
    'claims come before their pod',
    statefulSet({ volumeClaimTemplates: claims }),
    [],
    ['Create Claim data-db-0 Pod db-0', 'Create Pod db-0'],
  ],
];

test('maxUnavailable counts only with its feature gate', () => {
  const set = parallel({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } });
  const pods = [own(0, { old: true }), own(1, { old: true }), own(2, { old: true })];
  expect(planOf(set, pods, [], false)).toMatchObject({ done: ['Delete Pod db-2'] });
});

test('in a parallel set nobody waits for a pod that cannot go, or for a claim that has to', () => {
  const stuck = own(0, { phase: 'Failed' });
  const going = { ...stuck, metadata: { ...stuck.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x/y'] } };
  expect(planOf(parallel(), [going])).toMatchObject({ done: ['Create Pod db-1', 'Create Pod db-2'] });
  const claim = { metadata: { ...meta('data-db-0'), deletionTimestamp: '2026-01-01T00:00:00Z' } };
  const names = ['Create Claim data-db-1 Pod db-1', 'Create Pod db-1', 'Create Claim data-db-2 Pod db-2', 'Create Pod db-2'];
  expect(planOf(parallel({ volumeClaimTemplates: claims }), [], [claim]).done).toEqual(names);
  expect(planOf(statefulSet({ volumeClaimTemplates: claims }), [], [claim]).done).toEqual([]);
});

test.each(cases)('%s', (_, set, pods, done) => {
  expect(planOf(set, pods)).toMatchObject({ first: [], done });
});

test('below the partition a lost pod comes back as it was', () => {
  const set = parallel({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } }, replicas: 2 });
  const made = planOf(set, []).steps.map(({ action }) => (action.verb === 'create' ? (action.object as Pod) : undefined));
  expect(made.map((one) => [one?.metadata?.labels?.['controller-revision-hash'], one?.spec?.containers[0]?.image])).toEqual([
    [oldName, 'db:1'],
    [newName, 'db:2'],
  ]);
  expect(made[1]).toMatchObject({
    metadata: { name: 'db-1', labels: { 'statefulset.kubernetes.io/pod-name': 'db-1', 'apps.kubernetes.io/pod-index': '1' } },
    spec: { hostname: 'db-1', subdomain: 'db' },
  });
});

const retention = (whenDeleted: string, whenScaled: string) =>
  parallel({
    replicas: 1,
    volumeClaimTemplates: claims,
    persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
    updateStrategy: { type: 'OnDelete' },
  });
const claim = (ordinal: number, ownerReferences: PersistentVolumeClaim['metadata'] = {}): PersistentVolumeClaim => ({
  metadata: meta(`data-db-${ordinal}`, ownerReferences),
});

test.each([
  ['Retain', 'Retain', [undefined, undefined]],
  ['Delete', 'Retain', ['StatefulSet', 'StatefulSet']],
  ['Retain', 'Delete', [undefined, 'Pod']],
  ['Delete', 'Delete', ['StatefulSet', 'Pod']],
])('claims: deleted %s, scaled %s', (whenDeleted, whenScaled, owners) => {
  const { steps } = planOf(retention(whenDeleted, whenScaled), [own(0), own(1)], [claim(0), claim(1)]);
  const updated = (ordinal: number) => {
    const step = steps.find(({ what, verb }) => verb === 'Update' && what.startsWith(`Claim data-db-${ordinal} `));
    return step?.action.verb === 'update' ? step.action.object.metadata?.ownerReferences?.[0]?.kind : undefined;
  };
  expect([updated(0), updated(1)]).toEqual(owners);
});

test('a pod waits for the claim of its predecessor to go', () => {
  const reference = { apiVersion: 'v1', kind: 'Pod', name: 'db-0', uid: 'before', controller: true };
  expect(planOf(retention('Retain', 'Delete'), [], [claim(0, { ownerReferences: [reference] })]).done).toEqual([]);
});

test.each([
  ['ordered', statefulSet({ volumeClaimTemplates: claims }), [oldRevision], []],
  ['parallel', parallel(), [], []],
  ['an update', statefulSet(), [oldRevision], [0, 1, 2].map((ordinal) => own(ordinal, { old: true }))],
  ['scaling down', statefulSet({ replicas: 1 }), [revision], [0, 1, 2].map((ordinal) => own(ordinal))],
])('fixpoint: %s', (_, set, revisions, pods) => {
  const model = new Model();
  model.add(statefulSets, set);
  model.add(controllerRevisions, ...revisions.map((one) => ({ ...one, metadata: { ...one.metadata, uid: 'r' } })));
  model.add(podResource, ...pods);
  const round = () => {
    const plan = planStatefulSet(
      {
        set: model.list(statefulSets)[0] ?? set,
        pods: model.list(podResource),
        revisions: model.list(controllerRevisions),
        severalUnavailable: true,
        claim: (name) => model.get(persistentVolumeClaims, name, 'default'),
      },
      epochMs,
    );
    const steps = plan.steps.map(({ action }) => {
      if (action.verb !== 'create' || action.resource !== podResource) return action;
      // Running and ready at once.
      return { ...action, object: { ...action.object, status: own(0).status } };
    });
    return [...plan.first, ...steps, ...statusAfter(plan, plan.steps.length), ...plan.history];
  };
  for (let count = 0; count < 14; count++) model.apply(round());
  expect(round()).toEqual([]);
  const replicas = set.spec?.replicas;
  const status = model.list(statefulSets)[0]?.status;
  expect(status).toMatchObject({ replicas, readyReplicas: replicas, updatedReplicas: replicas, currentReplicas: replicas });
  expect(status?.currentRevision).toBe(newName);
  expect(
    model
      .list(podResource)
      .map((one) => one.metadata?.name)
      .sort(),
  ).toEqual(['db-0', 'db-1', 'db-2'].slice(0, replicas));
});

test('the status while the revision changes', () => {
  const { steps, ...rest } = planOf(parallel(), [own(0, { old: true }), own(1, ill), own(2, { deleting: true })]);
  const plan = { ...rest, steps };
  expect(steps).toEqual([]);
  expect(statusAfter(plan, 0)).toMatchObject([
    {
      object: {
        status: {
          replicas: 3,
          readyReplicas: 2,
          availableReplicas: 2,
          currentReplicas: 1,
          updatedReplicas: 1,
          currentRevision: oldName,
          updateRevision: newName,
        },
      },
    },
  ]);
});
