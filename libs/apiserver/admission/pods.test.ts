import { findResource } from '@drydock/api/scheme.ts';
import { expect, test } from 'vitest';
import type { AdmissionRequest } from './admission.ts';
import { defaultTolerationSeconds } from './pods.ts';

const plugin = defaultTolerationSeconds({ notReadySeconds: 5, unreachableSeconds: 7 });

/** The tolerations of a pod that was created with `given`, as `key seconds`. */
async function admitted(given?: object[]): Promise<string[]> {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [], tolerations: given } };
  const info = findResource('', 'v1', 'pods');
  await plugin.mutate?.({ info, operation: 'CREATE', subresource: '', object } as unknown as AdmissionRequest);
  const { tolerations = [] } = object.spec as { tolerations?: { key?: string; tolerationSeconds?: number }[] };
  return tolerations.map((toleration) => `${toleration.key} ${toleration.tolerationSeconds}`);
}

test('a pod that says nothing stays as long as the flags say', async () => {
  expect(await admitted()).toEqual(['node.kubernetes.io/not-ready 5', 'node.kubernetes.io/unreachable 7']);
});

test('what a pod says itself is left alone', async () => {
  const own = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 };
  expect(await admitted([own])).toEqual(['node.kubernetes.io/unreachable 60', 'node.kubernetes.io/not-ready 5']);
  expect(await admitted([{ operator: 'Exists' }])).toEqual(['undefined undefined']);
});
