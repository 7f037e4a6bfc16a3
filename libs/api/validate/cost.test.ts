// What reading, filling in and checking an object costs as its lists grow: twelve times the length is about twelve times the work, half
// as much again where memory is collected. A list that is compared with itself item by item would be 144 times the work.
import { expect, test } from 'vitest';
import { applyDefaults } from '../defaults.ts';
import { decodeObject } from '../fields.ts';
import { hasMoreValues, jsonValuesMax } from '../json-values.ts';
import type { KubeObject } from '../resource.ts';
import { findResource, type ResourceInfo } from '../scheme.ts';
import { prepareForCreate, prepareForUpdate } from '../strategy.ts';
import { warningsOnCreate } from '../warnings/warnings.ts';
import { fieldErrorsMax } from './field-error.ts';
import { invalidError } from './invalid-error.ts';
import { validateCreate, validateUpdate } from './validate.ts';

type Make = (count: number) => object;

const list = (count: number, item: (at: number) => unknown) => Array.from({ length: count }, (_, at) => item(at));
const map = (count: number, entry: (at: number) => [string, string]) =>
  Object.fromEntries(list(count, entry) as [string, string][]);
const ip = (at: number) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
const c = { name: 'c', image: 'i' };
const pod = (spec: object, metadata: object = {}) => ({
  metadata: { name: 'x', ...metadata },
  spec: { containers: [c], ...spec },
});
const container = (more: object) => pod({ containers: [{ ...c, ...more }] });
const volume = (source: object) => pod({ volumes: [{ name: 'v', ...source }] });

const kinds: Readonly<Record<string, Readonly<Record<string, Make>>>> = {
  '/v1/pods': {
    containers: (n) => pod({ containers: list(n, (i) => ({ name: `c${i}`, image: 'i' })) }),
    'containers of nothing': (n) => pod({ containers: list(n, () => ({})) }),
    'containers of one name': (n) => pod({ containers: list(n, () => c) }),
    initContainers: (n) => pod({ initContainers: list(n, (i) => ({ name: `d${i}`, image: 'i' })) }),
    env: (n) => container({ env: list(n, (i) => ({ name: `A${i}`, value: 'x' })) }),
    'env of one name': (n) => container({ env: list(n, () => ({ name: 'A', value: 'x' })) }),
    ports: (n) => container({ ports: list(n, (i) => ({ containerPort: 1 + (i % 60_000) })) }),
    'one port': (n) => container({ ports: list(n, () => ({ containerPort: 1 })) }),
    volumeMounts: (n) => ({
      metadata: { name: 'x' },
      spec: {
        containers: [{ ...c, volumeMounts: list(n, (i) => ({ name: 'v', mountPath: `/a${i}` })) }],
        volumes: [{ name: 'v', emptyDir: {} }],
      },
    }),
    limits: (n) => container({ resources: { limits: map(n, (i) => [`a.b/r${i}`, '1']) } }),
    'limits of the pod': (n) =>
      pod({
        resources: { limits: map(n, (i) => [`a.b/r${i}`, '1']) },
        containers: list(n, (i) => ({ name: `c${i}`, image: 'i', resources: { requests: { cpu: '1' } } })),
      }),
    capabilities: (n) => container({ securityContext: { capabilities: { add: list(n, (i) => `C${i}`) } } }),
    volumes: (n) => pod({ volumes: list(n, (i) => ({ name: `v${i}`, emptyDir: {} })) }),
    'projected sources': (n) => volume({ projected: { sources: list(n, (i) => ({ secret: { name: `s${i}` } })) } }),
    items: (n) => volume({ configMap: { name: 'x', items: list(n, (i) => ({ key: `k${i}`, path: `p${i}` })) } }),
    'items of one path': (n) => volume({ configMap: { name: 'x', items: list(n, (i) => ({ key: `k${i}`, path: 'p' })) } }),
    'items beneath each other': (n) =>
      volume({ secret: { secretName: 'x', items: list(n, (i) => ({ key: `k${i}`, path: `${'a/'.repeat(i % 50)}a` })) } }),
    tolerations: (n) => pod({ tolerations: list(n, (i) => ({ key: `k${i}`, operator: 'Exists' })) }),
    imagePullSecrets: (n) => pod({ imagePullSecrets: list(n, (i) => ({ name: `s${i}` })) }),
    hostAliases: (n) => pod({ hostAliases: list(n, (i) => ({ ip: ip(i), hostnames: ['a'] })) }),
    topologySpreadConstraints: (n) =>
      pod({
        topologySpreadConstraints: list(n, (i) => ({ maxSkew: 1, topologyKey: `k${i}`, whenUnsatisfiable: 'ScheduleAnyway' })),
      }),
    schedulingGates: (n) => pod({ schedulingGates: list(n, (i) => ({ name: `g${i}` })) }),
    readinessGates: (n) => pod({ readinessGates: list(n, (i) => ({ conditionType: `g${i}` })) }),
    sysctls: (n) => pod({ securityContext: { sysctls: list(n, (i) => ({ name: `a.b${i}`, value: '1' })) } }),
    nodeSelector: (n) => pod({ nodeSelector: map(n, (i) => [`a${i}`, '1']) }),
    'terms of an affinity': (n) =>
      pod({
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: list(n, (i) => ({ matchExpressions: [{ key: `k${i}`, operator: 'Exists' }] })),
            },
          },
        },
      }),
    labels: (n) => pod({}, { labels: map(n, (i) => [`a${i}`, '1']) }),
    annotations: (n) => pod({}, { annotations: map(n, (i) => [`a${i}`, '']) }),
    'annotations of containers': (n) => ({
      metadata: {
        name: 'x',
        annotations: map(n, (i) => [`container.apparmor.security.beta.kubernetes.io/c${i}`, 'unconfined']),
      },
      spec: { containers: list(n, (i) => ({ name: `c${i}`, image: 'i' })) },
    }),
    ownerReferences: (n) =>
      pod({}, { ownerReferences: list(n, (i) => ({ apiVersion: 'v1', kind: 'Node', name: `n${i}`, uid: `u${i}` })) }),
    finalizers: (n) => pod({}, { finalizers: list(n, (i) => `a/b${i}`) }),
    managedFields: (n) =>
      pod({}, { managedFields: list(n, (i) => ({ manager: `m${i}`, operation: 'Update', apiVersion: 'v1', fieldsV1: {} })) }),
    'unknown fields': (n) => pod(map(n, (i) => [`u${i}`, 'x'])),
  },
  '/v1/endpoints': {
    subsets: (n) => ({
      metadata: { name: 'x' },
      subsets: list(n, (i) => ({ addresses: [{ ip: ip(i) }], ports: [{ port: 1 }] })),
    }),
    addresses: (n) => ({
      metadata: { name: 'x' },
      subsets: [{ addresses: list(n, (i) => ({ ip: ip(i) })), ports: [{ port: 1 }] }],
    }),
  },
  'discovery.k8s.io/v1/endpointslices': {
    ports: (n) => ({
      metadata: { name: 'x' },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'] }],
      ports: list(n, (i) => ({ name: `p${i}`, port: 1 + (i % 60_000) })),
    }),
  },
  '/v1/services': {
    ports: (n) => ({
      metadata: { name: 'x' },
      spec: { clusterIP: 'None', ports: list(n, (i) => ({ name: `p${i}`, port: 1 + (i % 60_000) })) },
    }),
    externalIPs: (n) => ({
      metadata: { name: 'x' },
      spec: { clusterIP: 'None', ports: [{ port: 1 }], externalIPs: list(n, ip) },
    }),
  },
  '/v1/configmaps': { data: (n) => ({ metadata: { name: 'x' }, data: map(n, (i) => [`a${i}`, '1']) }) },
  '/v1/nodes': {
    taints: (n) => ({ metadata: { name: 'x' }, spec: { taints: list(n, (i) => ({ key: `k${i}`, effect: 'NoSchedule' })) } }),
  },
  'node.k8s.io/v1/runtimeclasses': {
    tolerations: (n) => ({
      metadata: { name: 'x' },
      handler: 'x',
      scheduling: { tolerations: list(n, (i) => ({ key: `k${i}`, operator: 'Exists' })) },
    }),
  },
  'rbac.authorization.k8s.io/v1/clusterroles': {
    rules: (n) => ({
      metadata: { name: 'x' },
      rules: list(n, (i) => ({ apiGroups: [''], resources: [`r${i}`], verbs: ['get'] })),
    }),
  },
  'networking.k8s.io/v1/ingresses': {
    rules: (n) => ({
      metadata: { name: 'x' },
      spec: { defaultBackend: { service: { name: 'a', port: { number: 1 } } }, rules: list(n, (i) => ({ host: `h${i}.a` })) },
    }),
  },
  'apps/v1/statefulsets': {
    volumeClaimTemplates: (n) => ({
      metadata: { name: 'x' },
      spec: {
        selector: { matchLabels: { k: 'a' } },
        serviceName: 'a',
        template: { metadata: { labels: { k: 'a' } }, spec: { containers: [c] } },
        volumeClaimTemplates: list(n, (i) => ({
          metadata: { name: `v${i}` },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        })),
      },
    }),
  },
};

const cases = Object.entries(kinds).flatMap(([kind, makes]) =>
  Object.entries(makes).map(([what, make]) => [kind, what, make] as const),
);

function infoOf(kind: string): ResourceInfo {
  const [group = '', version = '', resource = ''] = kind.split('/');
  const info = findResource(group, version, resource);
  if (info === undefined) throw new Error(`no resource ${kind}`);
  return info;
}

function read(info: ResourceInfo, text: string): KubeObject {
  const { object } = decodeObject(info, text, 'Warn');
  if (info.namespaced) object.metadata = { ...object.metadata, namespace: 'default' };
  applyDefaults(info, object);
  return object;
}

/** As a create, and then as an update of what there is by the same in another order. */
function serve(info: ResourceInfo, text: string): void {
  const object = read(info, text);
  prepareForCreate(info, object);
  const errors = validateCreate(info, object);
  if (errors.length > 0) invalidError(info, 'x', errors);
  else warningsOnCreate(info, object);
  const next = read(info, text);
  prepareForUpdate(info, next, object);
  validateUpdate(info, next, object);
}

/** Milliseconds of this thread alone: what else the machine does is nothing to it. */
function costMs(info: ResourceInfo, text: string): number {
  const { user, system } = process.threadCpuUsage();
  serve(info, text);
  const spent = process.threadCpuUsage({ user, system });
  return (spent.user + spent.system) / 1000;
}

/** Less than this is noise. */
const leastMs = 4;

test.each(cases)('%s: %s', { timeout: 120_000 }, (kind, _what, make) => {
  const info = infoOf(kind);
  const [small, large] = [JSON.stringify(make(1_000)), JSON.stringify(make(12_000))];
  const best = (text: string) => Math.min(costMs(info, text), costMs(info, text), costMs(info, text));
  expect(best(large) / Math.max(leastMs, best(small))).toBeLessThan(40);
});

test('of an object with more mistakes than anybody reads, the first are told', () => {
  const info = infoOf('/v1/pods');
  const errorsOf = (count: number) => {
    const object = read(info, JSON.stringify(pod({ containers: list(count, () => ({})) })));
    prepareForCreate(info, object);
    return validateCreate(info, object);
  };
  expect(errorsOf(1_000).length).toBeLessThan(fieldErrorsMax);
  const errors = errorsOf(50_000);
  expect(errors).toHaveLength(fieldErrorsMax + 1);
  expect(errors[0]).toEqual({ type: 'FieldValueRequired', field: 'spec.containers[0].name', body: 'Required value' });
  expect(errors.at(-1)?.body).toContain(String(fieldErrorsMax));
  // The count is of one object.
  expect(errorsOf(1_000).length).toBeLessThan(fieldErrorsMax);
});

test.each<[string, string, boolean]>([
  ['as many as may be', `[${'1,'.repeat(jsonValuesMax - 2)}1]`, false],
  ['one more', `[${'1,'.repeat(jsonValuesMax - 1)}1]`, true],
  ['empty objects', `[${'{},'.repeat(jsonValuesMax)}{}]`, true],
  ['commas and brackets in strings', JSON.stringify(`"\\${',{['.repeat(jsonValuesMax)}`), false],
])('values of a text: %s', (_, text, expected) => {
  expect(hasMoreValues(Buffer.from(text))).toBe(expected);
});
