// Metrics over the API: paths, what is made of the answers, and what is said where there are none.
import { apiError } from '@drydock/api/status.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import type { MetricsReader } from './metrics.ts';
import { RestMetrics } from './rest-metrics.ts';

const atMs = 1_700_000_000_000;
const timestamp = formatTime(atMs);
const containers = [
  { name: 'app', usage: { cpu: '100m', memory: '10Mi' } },
  { name: 'side', usage: { cpu: '1500u', memory: '1Ki' } },
];
const answers: Readonly<Record<string, unknown>> = {
  '/apis/metrics.k8s.io/v1beta1/namespaces/a/pods?labelSelector=app=web': {
    items: [
      { metadata: { name: 'p' }, timestamp, window: '30s', containers },
      { metadata: { name: 'starts' }, timestamp, window: '30s', containers: [] },
      { metadata: { name: 'half' }, timestamp, window: '30s', containers: [{ name: 'app', usage: {} }, containers[1]] },
    ],
  },
  '/apis/metrics.k8s.io/v1beta1/namespaces/none/pods?labelSelector=app=web': { items: [] },
  '/apis/custom.metrics.k8s.io/v1beta2': {},
  '/apis/custom.metrics.k8s.io/v1beta2/namespaces/a/pods/*/packets?labelSelector=app=web&metricLabelSelector=b=c': {
    items: [
      { describedObject: { name: 'p' }, timestamp, value: '12' },
      { describedObject: { name: 'q' }, timestamp, windowSeconds: 5, value: '500m' },
    ],
  },
  '/apis/custom.metrics.k8s.io/v1beta2/namespaces/a/ingresses.networking.k8s.io/front/hits?metricLabelSelector=': {
    items: [{ value: '2k' }],
  },
  '/apis/custom.metrics.k8s.io/v1beta2/namespaces/a/services/s/hits?metricLabelSelector=': { items: [{ value: '3' }] },
  '/apis/custom.metrics.k8s.io/v1beta2/namespaces/a/metrics/hits?metricLabelSelector=': { items: [{ value: '4' }] },
  '/apis/custom.metrics.k8s.io/v1beta2/namespaces/of-others/metrics/hits?metricLabelSelector=': { items: [{ value: '666' }] },
  '/apis/custom.metrics.k8s.io/v1beta2/namespaces/a/widgets.example.com/w/hits?metricLabelSelector=': {
    items: [{ value: '5' }],
  },
  '/apis/example.com': { preferredVersion: { version: 'v2' }, versions: [{ version: 'v1' }, { version: 'v2' }] },
  '/apis/example.com/v2': {
    resources: [
      { name: 'widgets/scale', kind: 'Widget' },
      { name: 'widgets', kind: 'Widget' },
    ],
  },
  '/apis/external.metrics.k8s.io/v1beta1/namespaces/a/queue?labelSelector=b=c': { items: [{ value: '2' }, { value: '500m' }] },
  '/apis/external.metrics.k8s.io/v1beta1/namespaces/a/down?labelSelector=': apiError('ServiceUnavailable', 'no server'),
};

function reader(served: Readonly<Record<string, unknown>> = answers): MetricsReader {
  const api = new MemoryApi({ clock: new VirtualClock(), random: new SeededRandom('metrics') });
  api.serveRaw((path, query) => {
    const text = Object.entries(query).map(([key, value]) => `${key}=${value}`);
    const answer = served[text.length === 0 ? path : `${path}?${text.join('&')}`];
    if (answer instanceof Error) throw answer;
    if (answer === undefined) throw apiError('NotFound', '404 page not found');
    return answer;
  });
  return new RestMetrics(api);
}

const bc = { matchLabels: { b: 'c' } };

test('of pods and containers', async () => {
  const windowMs = 30_000;
  expect([...(await reader().resource('a', 'cpu', 'app=web', ''))]).toEqual([
    ['p', { value: 102, timestampMs: atMs, windowMs }],
  ]);
  const memory = await reader().resource('a', 'memory', 'app=web', 'side');
  expect(Object.fromEntries([...memory].map(([name, { value }]) => [name, value]))).toEqual({ p: 1_024_000, half: 1_024_000 });
});

test('custom and external ones', async () => {
  expect([...(await reader().pods('a', 'packets', 'app=web', bc))]).toEqual([
    ['p', { value: 12_000, timestampMs: atMs, windowMs: 60_000 }],
    ['q', { value: 500, timestampMs: atMs, windowMs: 5_000 }],
  ]);
  const object = (apiVersion: string, kind: string, name: string) =>
    reader().object('a', 'hits', { apiVersion, kind, name }, undefined);
  expect([
    await object('networking.k8s.io/v1', 'Ingress', 'front'),
    await object('v1', 'Service', 's'),
    await object('v1', 'Namespace', 'a'),
    await object('v1', 'Namespace', 'of-others'),
    await object('example.com/v1', 'Widget', 'w'),
    await reader().external('a', 'queue', bc),
  ]).toEqual([2_000_000, 3_000, 4_000, 4_000, 5_000, 2_500]);
});

test.each<[string, (reader: MetricsReader) => Promise<unknown>]>([
  ['no metrics returned from resource metrics API', (from) => from.resource('none', 'cpu', 'app=web', '')],
  [
    'unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
    (from) => from.resource('b', 'cpu', 'app=web', ''),
  ],
  [
    'unable to fetch metrics from external metrics API: the server is currently unable to handle the request (get down.external.metrics.k8s.io)',
    (from) => from.external('a', 'down', undefined),
  ],
  [
    'unable to fetch metrics from custom metrics API: no matches for kind "Gadget" in group "example.com"',
    (from) => from.object('a', 'hits', { apiVersion: 'example.com/v1', kind: 'Gadget', name: 'g' }, undefined),
  ],
  [
    'unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered',
    () => reader({}).pods('a', 'packets', 'app=web', bc),
  ],
])('%s', async (message, ask) => {
  await expect(ask(reader())).rejects.toThrow(message);
});
