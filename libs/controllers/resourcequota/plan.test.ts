import type { Pod, ResourceQuota } from '@drydock/api/generated/types.ts';
import { resourceQuotas } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { epochMs, meta, pod, service } from '../testing/objects.ts';
import { planQuota, type QuotaObserved } from './plan.ts';

const quota = (hard: Record<string, string>, spec: ResourceQuota['spec'] = {}): ResourceQuota => ({
  metadata: meta('q'),
  spec: { hard, ...spec },
});
const asking = (name: string, requests: Record<string, string>, extra: Pod['spec'] = { containers: [] }): Pod => ({
  ...pod(name),
  spec: { ...extra, containers: [{ name: 'c', resources: { requests, limits: { cpu: '2' } } }] },
});
const nothing = { pods: [], services: [], claims: [], counts: new Map<string, number>() };

function used(observed: QuotaObserved): unknown {
  const [action] = planQuota(observed, epochMs).actions;
  return action?.verb === 'update' ? (action.object as ResourceQuota).status?.used : undefined;
}

const pods = [asking('a', { cpu: '500m', memory: '1Gi' }), asking('b', { cpu: '1' }), pod('done', { phase: 'Succeeded' })];
const claim = { metadata: meta('c'), spec: { storageClassName: 'fast', resources: { requests: { storage: '5Gi' } } } };

const cases: [string, QuotaObserved, Record<string, string>][] = [
  [
    'pods: finished ones hold nothing',
    {
      ...nothing,
      quota: quota({ pods: '9', 'count/pods': '9', cpu: '9', 'requests.cpu': '9', 'limits.cpu': '9', memory: '9Gi' }),
      pods,
    },
    { pods: '2', 'count/pods': '3', cpu: '1500m', 'requests.cpu': '1500m', 'limits.cpu': '4', memory: '1Gi' },
  ],
  [
    'counts',
    {
      ...nothing,
      quota: quota({ secrets: '5', 'count/deployments.apps': '5', configmaps: '1' }),
      counts: new Map([
        ['secrets', 2],
        ['deployments.apps', 1],
      ]),
    },
    { secrets: '2', 'count/deployments.apps': '1', configmaps: '0' },
  ],
  [
    'services by kind',
    {
      ...nothing,
      quota: quota({ services: '5', 'services.nodeports': '5', 'services.loadbalancers': '5' }),
      services: [service({ type: 'NodePort' }), service({ type: 'LoadBalancer' }), service()],
      counts: new Map([['services', 3]]),
    },
    { services: '3', 'services.nodeports': '2', 'services.loadbalancers': '1' },
  ],
  [
    'claims by class',
    {
      ...nothing,
      quota: quota({ 'requests.storage': '9Gi', 'fast.storageclass.storage.k8s.io/requests.storage': '9Gi' }),
      claims: [claim],
    },
    { 'requests.storage': '5Gi', 'fast.storageclass.storage.k8s.io/requests.storage': '5Gi' },
  ],
  [
    'best effort only',
    { ...nothing, quota: quota({ pods: '9' }, { scopes: ['BestEffort'] }), pods: [...pods, pod('free')] },
    { pods: '1' },
  ],
  [
    'terminating only',
    {
      ...nothing,
      quota: quota({ pods: '9' }, { scopes: ['Terminating'] }),
      pods: [asking('t', {}, { containers: [], activeDeadlineSeconds: 5 }), ...pods],
    },
    { pods: '1' },
  ],
];

test('a pod counts as it does where it is admitted: init containers, sidecars, overhead, and its own requests', () => {
  const container = (cpu: string, more: object = {}) => ({ name: `c${cpu}`, resources: { requests: { cpu } }, ...more });
  const large: Pod = {
    ...pod('large'),
    spec: {
      initContainers: [container('200m', { restartPolicy: 'Always' }), container('3')],
      containers: [container('1')],
      overhead: { cpu: '100m' },
    },
  };
  expect(used({ ...nothing, quota: quota({ cpu: '9' }), pods: [large] })).toEqual({ cpu: '3300m' });
});

test('a pod that should be gone by now uses nothing but its place', () => {
  const late = asking('late', { cpu: '1' });
  const gone = {
    ...late,
    metadata: { ...late.metadata, deletionTimestamp: new Date(epochMs - 60_000).toISOString(), deletionGracePeriodSeconds: 30 },
  };
  expect(used({ ...nothing, quota: quota({ cpu: '9', 'count/pods': '9' }), pods: [gone] })).toEqual({
    cpu: '0',
    'count/pods': '1',
  });
});

test.each(cases)('%s', (_, observed, expected) => {
  expect(used(observed)).toEqual(expected);
});

test.each(cases)('fixpoint: %s', (_, observed) => {
  const model = new Model();
  model.add(resourceQuotas, observed.quota);
  const plan = () =>
    planQuota({ ...observed, quota: model.get(resourceQuotas, 'q', 'default') ?? observed.quota }, epochMs).actions;
  model.apply(plan());
  expect(plan()).toEqual([]);
});
