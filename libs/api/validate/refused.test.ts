// Objects that the original apiserver refuses, with its answers; see testdata.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { applyDefaults } from '../defaults.ts';
import { decodeObject } from '../fields.ts';
import type { Status } from '../generated/types.ts';
import type { KubeObject } from '../resource.ts';
import { findKind } from '../scheme.ts';
import { prepareForCreate } from '../strategy.ts';
import { invalidError } from './invalid-error.ts';
import { validateCreate } from './validate.ts';

interface Case {
  readonly manifest: KubeObject;
  readonly status: Status;
}

const cases = JSON.parse(readFileSync(new URL('../testdata/refused.json', import.meta.url), 'utf8')) as Case[];

function causesOf(status: Status): string[] {
  return (status.details?.causes ?? []).map((cause) => `${cause.field}: ${cause.message} (${cause.reason})`).sort();
}

test.each(cases.map((c, index) => [index, c.manifest.kind, c] as const))('%d: %s', (_index, _kind, { manifest, status }) => {
  const [version = '', group = ''] = (manifest.apiVersion ?? '').split('/').reverse();
  const info = findKind(group, version, manifest.kind ?? '');
  if (info === undefined) throw new Error(manifest.kind);
  const { object } = decodeObject(info, JSON.stringify(manifest), 'Ignore');
  if (info.namespaced && object.metadata !== undefined) object.metadata.namespace = 'default';
  if (object.metadata !== undefined) object.metadata.uid = 'a-uid';
  applyDefaults(info, object);
  prepareForCreate(info, object);
  const errors = validateCreate(info, object);
  // Go walks maps in any order: the causes count as a set.
  const answer = invalidError(info, object.metadata?.name ?? '', errors).status;
  expect(causesOf(answer)).toEqual(causesOf(status));
  expect({ ...answer, message: '', details: { ...answer.details, causes: [] } }).toEqual({
    ...status,
    message: '',
    details: { ...status.details, causes: [] },
  });
  if (errors.length === 1) expect(answer.message).toBe(status.message);
});

test('a pod without a list of containers and without a name is refused, and details have no empty name', () => {
  const info = findKind('', 'v1', 'Pod');
  if (info === undefined) throw new Error('Pod');
  const { object } = decodeObject(info, '{"apiVersion":"v1","kind":"Pod","metadata":{},"spec":{"hostNetwork":true}}', 'Ignore');
  applyDefaults(info, object);
  prepareForCreate(info, object);
  const { details } = invalidError(info, '', validateCreate(info, object)).status;
  expect(details?.causes?.map((cause) => cause.field)).toContain('spec.containers');
  expect(details).not.toHaveProperty('name');
});

test('a slice has as many endpoints, addresses and ports as it may', () => {
  const info = findKind('discovery.k8s.io', 'v1', 'EndpointSlice');
  if (info === undefined) throw new Error('EndpointSlice');
  const errorsOf = (endpoints: number, addresses: number, ports: number) => {
    const endpoint = { addresses: Array.from({ length: addresses }, () => '10.0.0.1') };
    const object = {
      metadata: { name: 'x', namespace: 'default', uid: 'u' },
      addressType: 'IPv4',
      endpoints: Array.from({ length: endpoints }, () => endpoint),
      ports: Array.from({ length: ports }, (_, at) => ({ name: `p${at}`, port: 1 })),
    };
    return validateCreate(info, object).map(({ type, field, body }) => `${type} ${field}: ${body}`);
  };
  expect(errorsOf(1000, 1, 20_000)).toEqual([]);
  expect(errorsOf(1, 100, 1)).toEqual([]);
  expect(errorsOf(1, 101, 1)).toEqual(['FieldValueTooMany endpoints[0].addresses: Too many: 101: must have at most 100 items']);
  expect(errorsOf(1001, 1, 20_001)).toEqual([
    'FieldValueTooMany ports: Too many: 20001: must have at most 20000 items',
    'FieldValueTooMany endpoints: Too many: 1001: must have at most 1000 items',
  ]);
});
