import type { ConfigMap, Namespace } from '@drydock/api/generated/types.ts';
import { configMaps, serviceAccounts } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { planServiceAccount } from '../serviceaccount/plan.ts';
import { Model } from '../testing/model.ts';
import { epochMs } from '../testing/objects.ts';
import { planRootCa, rootCaConfigMap } from './plan.ts';

const namespace: Namespace = { metadata: { name: 'shop' } };
const ending: Namespace = { metadata: { name: 'shop', deletionTimestamp: formatTime(epochMs) } };

test.each<[string, ConfigMap | undefined]>([
  ['missing', undefined],
  ['changed by hand', { metadata: { name: rootCaConfigMap, namespace: 'shop' }, data: { 'ca.crt': 'mine' } }],
  ['with more in it', { metadata: { name: rootCaConfigMap, namespace: 'shop' }, data: { 'ca.crt': 'PEM', more: 'x' } }],
])('fixpoint: a ConfigMap that is %s is put right, once', (_, existing) => {
  const model = new Model();
  if (existing !== undefined) model.add(configMaps, existing);
  const plan = () => planRootCa(namespace, model.get(configMaps, rootCaConfigMap, 'shop'), 'PEM').actions;
  model.apply(plan());
  expect(model.get(configMaps, rootCaConfigMap, 'shop')?.data).toEqual({ 'ca.crt': 'PEM' });
  expect(plan()).toEqual([]);
});

test('fixpoint: the default service account is made, once', () => {
  const model = new Model();
  const plan = () => planServiceAccount(namespace, model.get(serviceAccounts, 'default', 'shop')).actions;
  model.apply(plan());
  expect(model.list(serviceAccounts)).toHaveLength(1);
  expect(plan()).toEqual([]);
});

test('nothing is made in a namespace that is ending', () => {
  expect(planRootCa(ending, undefined, 'PEM').actions).toEqual([]);
  expect(planServiceAccount(ending, undefined).actions).toEqual([]);
});
