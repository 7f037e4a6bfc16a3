import type { ConfigMap, Namespace, Pod } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { pod } from '../testing/objects.ts';
import { asksForServiceCa, planServiceCa, serviceCaConfigMap } from './plan.ts';

const namespace: Namespace = { metadata: { name: 'shop' } };

test.each<[string, ConfigMap | undefined]>([
  ['missing', undefined],
  ['not marked', { metadata: { name: serviceCaConfigMap, namespace: 'shop' }, data: { 'service-ca.crt': 'PEM' } }],
])('fixpoint: a ConfigMap that is %s is put right, its content left to others', (_, existing) => {
  const model = new Model();
  if (existing !== undefined) model.add(configMaps, existing);
  const plan = () => planServiceCa(namespace, model.get(configMaps, serviceCaConfigMap, 'shop')).actions;
  model.apply(plan());
  expect(model.get(configMaps, serviceCaConfigMap, 'shop')?.data).toEqual(existing?.data ?? { 'service-ca.crt': '' });
  expect(plan()).toEqual([]);
});

test('only a pod that mounts it asks for it', () => {
  const sources = [{ configMap: { name: serviceCaConfigMap } }];
  const asking: Pod = { spec: { containers: [], volumes: [{ name: 'token', projected: { sources } }] } };
  expect([asksForServiceCa(asking), asksForServiceCa(pod('plain'))]).toEqual([true, false]);
});
