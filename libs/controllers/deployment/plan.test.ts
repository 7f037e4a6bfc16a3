import type { Deployment, DeploymentStatus, ReplicaSet } from '@drydock/api/generated/types.ts';
import { deployments, replicaSets } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import type { Plan } from '../common/action.ts';
import { Model } from '../testing/model.ts';
import { deployment, epochMs, meta, pod, replicaSet } from '../testing/objects.ts';
import { planCollision, planDeployment } from './plan.ts';

const now = epochMs;

/** A plan in words: sizes of ReplicaSets written, what was said, and the conditions that the status gets. */
function summary(plan: Plan): string[] {
  return plan.actions.map((action) => {
    if (action.verb === 'event') return `event ${action.reason}: ${action.message}`;
    if (action.verb === 'verify') return `verify ${action.key.name}`;
    if (action.verb === 'patch') return `patch ${action.key.name} ${JSON.stringify(action.patch.body)}`;
    if (action.verb === 'delete') return `delete ${action.key.name}`;
    if (action.resource === deployments) {
      const status = (action.object as Deployment).status;
      const conditions = (status?.conditions ?? []).map((c) => `${c.type}=${c.status}/${c.reason}`).join(' ');
      return `status revision=${action.object.metadata?.annotations?.['deployment.kubernetes.io/revision'] ?? ''} ${conditions}`;
    }
    const rs = action.object as ReplicaSet;
    const name = action.verb === 'create' ? 'web-HASH' : rs.metadata?.name;
    return `${action.verb} ${name} replicas=${rs.spec?.replicas}`.replace(/web-[a-z0-9]{8,}/g, 'web-HASH');
  });
}

function sizes(plan: Plan): Record<string, number | undefined> {
  const result: Record<string, number | undefined> = {};
  for (const action of plan.actions) {
    if ((action.verb !== 'update' && action.verb !== 'create') || action.resource !== replicaSets) continue;
    result[action.verb === 'create' ? 'new' : (action.object.metadata?.name ?? '')] = (
      action.object as ReplicaSet
    ).spec?.replicas;
  }
  return result;
}

const old = (options: Parameters<typeof replicaSet>[1]) => replicaSet('old', { image: 'web:1', ageS: 200, ...options });
const fresh = (options: Parameters<typeof replicaSet>[1]) => replicaSet('fresh', { image: 'web:2', revision: 2, ...options });

test('a first rollout creates the ReplicaSet at full size and says so', () => {
  const plan = planDeployment({ deployment: deployment(), replicaSets: [], pods: [] }, now);
  const text = summary(plan).map((line) => line.replace(/web-[a-z0-9]+ from/, 'web-HASH from'));
  expect(text).toEqual([
    'create web-HASH replicas=4',
    'event ScalingReplicaSet: Scaled up replica set web-HASH from 0 to 4',
    'status revision=1 Progressing=True/NewReplicaSetCreated Available=False/MinimumReplicasUnavailable',
  ]);
  const [create] = plan.actions;
  expect(create).toMatchObject({
    object: {
      metadata: {
        annotations: {
          'deployment.kubernetes.io/revision': '1',
          'deployment.kubernetes.io/desired-replicas': '4',
          'deployment.kubernetes.io/max-replicas': '5',
        },
        ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'uid-web', controller: true, blockOwnerDeletion: true }],
      },
    },
  });
});

/** Sizes after one step: [strategy, old (size, available), new (size, available) or none, what is written]. */
const steps: [string, object, [number, number], [number, number] | undefined, Record<string, number>][] = [
  ['starts with the surge and what may be unavailable', {}, [4, 4], undefined, { new: 1, old: 3 }],
  ['surges and takes what availability allows', {}, [4, 4], [1, 0], { old: 3 }],
  ['replaces what became available', {}, [3, 3], [1, 1], { fresh: 2 }],
  ['removes unhealthy old pods first', {}, [4, 1], [1, 0], { old: 3 }],
  ['waits when nothing may go', {}, [3, 3], [2, 0], {}],
  ['finishes', {}, [1, 1], [4, 3], { old: 0 }],
  ['no surge: old ones go first', { maxSurge: 0, maxUnavailable: 1 }, [4, 4], [0, 0], { old: 3 }],
  ['no unavailability: new ones first', { maxSurge: 1, maxUnavailable: 0 }, [4, 4], [0, 0], { fresh: 1 }],
  ['both zero counts as one unavailable', { maxSurge: 0, maxUnavailable: '0%' }, [4, 4], [0, 0], { old: 3 }],
];

test.each(steps)('rolling update: %s', (_, rollingUpdate, [oldSize, oldAvailable], newer, expected) => {
  const list = [old({ replicas: oldSize, available: oldAvailable })];
  if (newer !== undefined) list.push(fresh({ replicas: newer[0], available: newer[1] }));
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%', ...rollingUpdate } };
  const plan = planDeployment({ deployment: deployment({ strategy }), replicaSets: list, pods: [] }, now);
  expect(sizes(plan)).toMatchObject(expected);
  for (const [name, size] of Object.entries(sizes(plan))) {
    if (!(name in expected)) expect(size).toBe(name === 'old' ? oldSize : newer?.[0]);
  }
});

test('a rollout under way that is scaled keeps its proportions', () => {
  const list = [old({ replicas: 8, desired: 10, max: 13 }), fresh({ replicas: 5, available: 3, desired: 10, max: 13 })];
  const plan = planDeployment({ deployment: deployment({ replicas: 20 }), replicaSets: list, pods: [] }, now);
  expect(sizes(plan)).toEqual({ old: 15, fresh: 10 });
  expect(summary(plan)).toContain('event ScalingReplicaSet: Scaled up replica set old from 8 to 15');
});

test('scaling to zero in the middle of a rollout empties every ReplicaSet', () => {
  const list = [old({ replicas: 3 }), fresh({ replicas: 2, available: 0 })];
  const plan = planDeployment({ deployment: deployment({ replicas: 0 }), replicaSets: list, pods: [] }, now);
  expect(sizes(plan)).toEqual({ old: 0, fresh: 0 });
});

test('rolling back reuses the ReplicaSet under a new revision and keeps the history', () => {
  const list = [
    replicaSet('was', { image: 'web:2', replicas: 0, revision: 1, ageS: 300 }),
    replicaSet('is', { image: 'web:3', replicas: 4, revision: 2, ageS: 200 }),
  ];
  const plan = planDeployment({ deployment: deployment(), replicaSets: list, pods: [] }, now);
  const update = plan.actions.find((action) => action.verb === 'update' && action.object.metadata?.name === 'was');
  expect(update).toMatchObject({
    object: {
      metadata: {
        annotations: { 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' },
      },
      spec: { replicas: 1 },
    },
  });
});

test('revisions are counted beyond what a JavaScript number holds', () => {
  const annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' };
  const was = old({ replicas: 4 });
  const list = [{ ...was, metadata: { ...was.metadata, annotations } }];
  const plan = planDeployment({ deployment: deployment(), replicaSets: list, pods: [] }, now);
  const created = plan.actions.find((action) => action.verb === 'create');
  expect(created).toMatchObject({
    object: { metadata: { annotations: { 'deployment.kubernetes.io/revision': '3546343826724305833' } } },
  });
});

test('a paused Deployment scales but does not roll', () => {
  const paused = deployment({ paused: true, replicas: 6 });
  const plan = planDeployment({ deployment: paused, replicaSets: [old({ replicas: 4 })], pods: [] }, now);
  expect(sizes(plan)).toEqual({ old: 6 });
  expect(summary(plan).at(-1)).toContain('Progressing=Unknown/DeploymentPaused');
});

test('Recreate waits until the last old pod is gone, terminating ones included', () => {
  const recreate = deployment({ strategy: { type: 'Recreate' } });
  const running = old({ replicas: 4 });
  expect(sizes(planDeployment({ deployment: recreate, replicaSets: [running], pods: [] }, now))).toEqual({ old: 0 });
  const empty = old({ replicas: 0 });
  const last = pod('last', { owner: empty, deleting: true });
  expect(sizes(planDeployment({ deployment: recreate, replicaSets: [empty], pods: [last] }, now))).toEqual({});
  expect(sizes(planDeployment({ deployment: recreate, replicaSets: [empty], pods: [] }, now))).toEqual({ new: 4 });
});

test('history above the limit is deleted, oldest revision first, never what has pods', () => {
  const complete: DeploymentStatus = { updatedReplicas: 4, replicas: 4, availableReplicas: 4, observedGeneration: 1 };
  const history = [1, 2, 3].map((revision) =>
    replicaSet(`r${revision}`, { image: `web:old${revision}`, replicas: 0, revision }),
  );
  const list = [...history, replicaSet('now', { replicas: 4, revision: 4 })];
  const observed = { deployment: deployment({ revisionHistoryLimit: 1 }, { status: complete }), replicaSets: list, pods: [] };
  expect(summary(planDeployment(observed, now)).filter((line) => line.startsWith('delete'))).toEqual([
    'delete r1',
    'delete r2',
  ]);
});

const progressing = (reason: string, ageS: number) => ({
  type: 'Progressing',
  status: 'True',
  reason,
  lastUpdateTime: formatTime(now - ageS * 1000),
  lastTransitionTime: formatTime(now - ageS * 1000),
});

const progress: [string, DeploymentStatus, number, string][] = [
  ['complete', { conditions: [progressing('ReplicaSetUpdated', 5)] }, 4, 'Progressing=True/NewReplicaSetAvailable'],
  ['moving', { conditions: [progressing('NewReplicaSetCreated', 5)] }, 3, 'Progressing=True/ReplicaSetUpdated'],
  [
    'stuck past the deadline',
    {
      updatedReplicas: 4,
      replicas: 4,
      availableReplicas: 3,
      readyReplicas: 3,
      conditions: [progressing('ReplicaSetUpdated', 601)],
    },
    3,
    'Progressing=False/ProgressDeadlineExceeded',
  ],
];

test.each(progress)('progress: %s', (_, status, available, expected) => {
  const list = [replicaSet('now', { replicas: 4, available })];
  const plan = planDeployment({ deployment: deployment({}, { status }), replicaSets: list, pods: [] }, now);
  expect(summary(plan).join()).toContain(expected);
});

test('before the deadline the plan asks to be called again', () => {
  const status = {
    updatedReplicas: 4,
    replicas: 4,
    availableReplicas: 3,
    readyReplicas: 3,
    conditions: [progressing('ReplicaSetUpdated', 590)],
  };
  const list = [replicaSet('now', { replicas: 4, available: 3 })];
  expect(planDeployment({ deployment: deployment({}, { status }), replicaSets: list, pods: [] }, now).requeueAfterMs).toBe(
    11_000,
  );
});

test('orphans are adopted after a live read, strangers released', () => {
  const orphan = replicaSet('orphan', { replicas: 4, owner: undefined });
  const stranger = replicaSet('stranger', { replicas: 1 });
  const unmatched = { ...stranger, metadata: { ...stranger.metadata, labels: { app: 'other' } } };
  const plan = planDeployment({ deployment: deployment(), replicaSets: [orphan, unmatched], pods: [] }, now);
  expect(summary(plan)).toEqual([
    'verify web',
    expect.stringContaining('patch orphan {"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment"'),
    'patch stranger {"metadata":{"ownerReferences":[{"$patch":"delete","uid":"uid-web"}],"uid":"uid-stranger"}}',
  ]);
});

test('an empty selector is refused, once', () => {
  const all = deployment({ selector: {} });
  const plan = planDeployment({ deployment: all, replicaSets: [], pods: [] }, now);
  expect(summary(plan)[0]).toBe('event SelectingAll: This deployment is selecting all pods. A non-empty selector is required.');
  const seen = { ...all, status: { observedGeneration: 1 } };
  expect(planDeployment({ deployment: seen, replicaSets: [], pods: [] }, now).actions).toEqual([]);
});

test('a name that is taken by something else counts as a collision', () => {
  const taken = replicaSet('web-abc', { image: 'other', replicas: 0, owner: undefined });
  expect(planCollision(deployment(), taken).actions).toMatchObject([{ object: { status: { collisionCount: 1 } } }]);
  expect(planCollision(deployment(), replicaSet('web-abc', { replicas: 4 })).actions).toEqual([]);
});

const worlds: [string, Deployment, ReplicaSet[]][] = [
  ['new', deployment(), []],
  ['mid-rollout', deployment(), [old({ replicas: 4 }), fresh({ replicas: 1, available: 0 })]],
  ['no surge', deployment({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 2 } } }), [old({ replicas: 4 })]],
  ['scaled mid-rollout', deployment({ replicas: 20 }), [old({ replicas: 3 }), fresh({ replicas: 2, available: 1 })]],
  ['recreate', deployment({ strategy: { type: 'Recreate' } }), [old({ replicas: 4 })]],
  ['paused', deployment({ paused: true }), [old({ replicas: 2 })]],
  ['complete', deployment({ revisionHistoryLimit: 0 }), [fresh({ replicas: 4 }), old({ replicas: 0 })]],
  ['orphan', deployment(), [replicaSet('orphan', { replicas: 4, owner: undefined })]],
  ['deleting', deployment({}, { metadata: meta('web', { deletionTimestamp: formatTime(now) }) }), [old({ replicas: 4 })]],
];

test.each(worlds)('fixpoint: %s', (_, start, list) => {
  const model = new Model();
  model.add(deployments, start);
  model.add(replicaSets, ...list);
  const plan = () => {
    const [current] = model.list(deployments);
    if (current === undefined) throw new Error('no deployment');
    return planDeployment({ deployment: current, replicaSets: model.list(replicaSets), pods: [] }, now);
  };
  let rounds = 0;
  for (let next = plan(); next.actions.length > 0; next = plan()) {
    model.apply(next.actions);
    expect(++rounds, summary(next).join('; ')).toBeLessThan(8);
  }
  expect(plan().actions).toEqual([]);
});
