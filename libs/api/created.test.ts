// What the original apiserver makes of new objects (dry run creates, metadata set by the server left out); see testdata.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { applyDefaults } from './defaults.ts';
import { decodeObject } from './fields.ts';
import type { JsonObject } from './json.ts';
import type { KubeObject } from './resource.ts';
import { findKind, type ResourceInfo } from './scheme.ts';
import { prepareForCreate } from './strategy.ts';
import { fieldErrorText } from './validate/field-error.ts';
import { validateCreate } from './validate/validate.ts';

interface Case {
  readonly manifest: KubeObject;
  readonly object: KubeObject;
}

const cases = JSON.parse(readFileSync(new URL('./testdata/created.json', import.meta.url), 'utf8')) as Case[];

function infoOf(object: KubeObject): ResourceInfo {
  const [version = '', group = ''] = (object.apiVersion ?? '').split('/').reverse();
  const info = findKind(group, version, object.kind ?? '');
  if (info === undefined) throw new Error(`${object.apiVersion} ${object.kind}`);
  return info;
}

/** Fields that admission or the registry fill in, not defaulting. */
const allocated: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec.priority', 'spec.preemptionPolicy', 'spec.tolerations', 'spec.serviceAccount', 'spec.serviceAccountName'],
  Service: ['spec.clusterIP', 'spec.clusterIPs', 'spec.ipFamilies', 'spec.ipFamilyPolicy'],
  PersistentVolumeClaim: ['metadata.finalizers'],
  PersistentVolume: ['metadata.finalizers', 'status.lastPhaseTransitionTime'],
  CustomResourceDefinition: ['status'],
  Node: ['spec.taints'],
  IPAddress: ['metadata.labels'],
  VolumeAttributesClass: ['metadata.finalizers'],
};

function without(object: KubeObject): KubeObject {
  const copy = JSON.parse(JSON.stringify(object)) as JsonObject;
  for (const path of ['metadata.namespace', ...(allocated[object.kind ?? ''] ?? [])]) {
    const [outer = '', inner] = path.split('.');
    if (inner === undefined) delete copy[outer];
    else delete (copy[outer] as JsonObject | undefined)?.[inner];
  }
  return dropNulls(copy) as KubeObject;
}

/** Go writes nil lists that have no omitempty as null; we leave them out. */
function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, dropNulls(item)]])));
}

test.each(cases.map((c) => [c.object.apiVersion, c.object.kind, c.object.metadata?.name, c] as const))(
  '%s %s %s',
  (_version, _kind, _name, { manifest, object }) => {
    const info = infoOf(manifest);
    const { object: created } = decodeObject(info, JSON.stringify(manifest), 'Strict');
    applyDefaults(info, created);
    prepareForCreate(info, created);
    expect(without(created)).toEqual(without(object));
    const again = JSON.stringify(created);
    applyDefaults(info, created);
    expect(JSON.stringify(created)).toBe(again);
    if (created.metadata !== undefined && info.namespaced) created.metadata.namespace = 'default';
    expect(validateCreate(info, created).map(fieldErrorText)).toEqual([]);
  },
);
