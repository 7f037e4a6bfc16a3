import type { ClusterRole } from '@drydock/api/generated/types.ts';
import { clusterRoles } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { planAggregation } from './plan.ts';

const rule = (verb: string) => ({ apiGroups: [''], resources: ['pods'], verbs: [verb] });
const role = (name: string, verbs: string[], labels = {}): ClusterRole => ({
  metadata: { name, labels, resourceVersion: '1' },
  rules: verbs.map(rule),
});
const sum: ClusterRole = {
  metadata: { name: 'sum', resourceVersion: '1' },
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'sum' } }] },
};

test('fixpoint: the rules of the selected roles, each once, in the order of the names', () => {
  const model = new Model();
  model.add(
    clusterRoles,
    sum,
    role('b', ['list', 'get'], { to: 'sum' }),
    role('a', ['get'], { to: 'sum' }),
    role('c', ['delete']),
  );
  const plan = () => planAggregation(model.get(clusterRoles, 'sum') ?? sum, model.list(clusterRoles)).actions;
  model.apply(plan());
  expect(model.get(clusterRoles, 'sum')?.rules).toEqual([rule('get'), rule('list')]);
  expect(plan()).toEqual([]);
});

test('a role without an aggregation rule keeps its own rules', () => {
  expect(planAggregation(role('c', ['delete']), [role('a', ['get'])]).actions).toEqual([]);
});
