import type { Node } from '@drydock/api/generated/types.ts';
import { Metrics } from '@drydock/client/metrics.ts';
import { type Log, silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { Collector } from './collector.ts';
import { type KubeletPlace, placeOf } from './place.ts';
import { podId } from './points.ts';
import { Scraper } from './scraper.ts';
import { MetricsStorage } from './storage.ts';

const types = ['Hostname', 'InternalIP'];
const node = (name: string, change: Partial<Node> = {}): Node => ({
  metadata: { name },
  status: {
    addresses: [{ type: 'InternalIP', address: `ip-${name}` }],
    conditions: [{ type: 'Ready', status: 'True' }],
    daemonEndpoints: { kubeletEndpoint: { Port: 20_250 } },
  },
  ...change,
});

test.each([
  ['of the preferred type', node('a'), { host: 'ip-a', port: 20_250, path: '/metrics/resource' }],
  [
    'the port of the flag where the node says none',
    node('a', { status: { addresses: [{ type: 'Hostname', address: 'h' }] } }),
    { host: 'h', port: 10_250, path: '/metrics/resource' },
  ],
  [
    'no address',
    node('a', { status: { addresses: [{ type: 'ExternalIP', address: 'x' }] } }),
    'no address matched types [Hostname InternalIP]',
  ],
  [
    'a path of its own',
    node('a', { metadata: { name: 'a', annotations: { 'metrics.k8s.io/resource-metrics-path': 'own/ü?x#y' } } }),
    { host: 'ip-a', port: 20_250, path: '/own/%C3%BC%3Fx%23y' },
  ],
])('where a kubelet is asked: %s', (_, of, expected) => {
  expect(placeOf(of, { addressTypes: types, port: 10_250, useNodeStatusPort: true })).toEqual(expected);
});

/** Kubelets that answer what they are told to. */
function setup(answers: Record<string, (signal: AbortSignal) => Promise<string>>) {
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const said: string[] = [];
  const told: Log = {
    ...silentLog,
    error: (_fields, message) => said.push(message),
    debug: (_fields, message) => said.push(message),
  };
  const asked: string[] = [];
  const scraper = new Scraper({
    reader: {
      read: ({ host }: KubeletPlace, signal) => {
        asked.push(host);
        return (answers[host] ?? (() => Promise.reject(new Error('connection refused'))))(signal);
      },
    },
    clock,
    log: told,
    metrics,
    places: { addressTypes: types, port: 10_250, useNodeStatusPort: false },
    timeoutMs: 10_000,
    nodeOfPod: (id) => (id === podId('default', 'b-pod') ? 'b' : 'a'),
  });
  return { clock, metrics, said, asked, scraper };
}

const text = (pod: string, seconds: number, nodeSeconds = seconds) => {
  const of = `{container="c",namespace="default",pod="${pod}"}`;
  return `node_cpu_usage_seconds_total ${nodeSeconds}
node_memory_working_set_bytes 4096
container_cpu_usage_seconds_total${of} ${seconds}
container_memory_working_set_bytes${of} 2048
`;
};
const never = () => new Promise<string>(() => {});

test('who answers is there; who does not, says nonsense, or has no address is not, and is told', async () => {
  const { clock, metrics, said, scraper } = setup({
    'ip-a': async () => text('a-pod', 2),
    'ip-b': never,
    'ip-c': async () => '<html>',
  });
  const gone = node('d', { status: { conditions: [{ type: 'Ready', status: 'False' }] } });
  const round = scraper.scrape([node('a'), node('b'), node('c'), gone], new AbortController().signal);
  await expect.poll(() => said).toHaveLength(2);
  clock.advance(10_000);
  const { nodes, pods } = await round;
  expect([...nodes.keys()]).toEqual(['a']);
  expect([...pods.keys()]).toEqual([podId('default', 'a-pod')]);
  expect(said.sort()).toEqual([
    'Failed to scrape node',
    'Failed to scrape node, node is not ready',
    'Failed to scrape node, timeout to access kubelet',
  ]);
  const lines = metrics.text().split('\n');
  expect(lines).toContain('metrics_server_kubelet_request_total{success="false"} 3');
  expect(lines).toContain('metrics_server_kubelet_request_total{success="true"} 1');
  expect(lines).toContain('metrics_server_kubelet_request_duration_seconds_bucket{node="b",le="5"} 0');
  expect(lines).toContain('metrics_server_kubelet_request_duration_seconds_bucket{node="b",le="10"} 1');
  expect(lines).toContain(`metrics_server_kubelet_last_request_time_seconds{node="a"} ${clock.wallMs() / 1_000 - 10}`);
});

test('a kubelet speaks for pods that are bound to its node alone', async () => {
  const { scraper } = setup({
    'ip-a': async () => text('a-pod', 2),
    'ip-b': async () => `${text('b-pod', 2)}${text('a-pod', 900)}`,
  });
  const { pods } = await scraper.scrape([node('b'), node('a')], new AbortController().signal);
  expect(pods.get(podId('default', 'a-pod'))?.get('c')?.cpuNanoseconds).toBe(2e9);
  expect(pods.size).toBe(2);
});

test('not all of a large cluster is asked at once', async () => {
  const { scraper, asked } = setup({});
  const many = Array.from({ length: 500 }, (_, at) => node(`n${at}`));
  const stop = new AbortController();
  const round = scraper.scrape(many, stop.signal);
  expect(asked.length).toBeLessThan(100);
  await round;
  expect(asked).toHaveLength(500);
});

test('rounds come at their pace, end with their time, and what is late is said', async () => {
  let seconds = 1;
  let hangs = false;
  const { clock, metrics, scraper } = setup({
    'ip-a': () => (hangs ? never() : Promise.resolve(text('a-pod', seconds, seconds * 2))),
  });
  const storage = new MetricsStorage(15_000);
  const rounds: number[] = [];
  const collector = new Collector({
    scraper: {
      scrape: (nodes, signal) => {
        rounds.push(clock.monotonicMs());
        return scraper.scrape(nodes, signal);
      },
    },
    storage,
    clock,
    metrics,
    resolutionMs: 15_000,
    nodes: () => [node('a')],
  });
  expect(collector.late()).toBeUndefined();
  const stop = new AbortController();
  const running = collector.run(stop.signal);
  const stored = (count: number) =>
    expect.poll(() => metrics.text()).toContain(`metrics_server_manager_tick_duration_seconds_count ${count}\n`);
  await stored(1);
  expect(storage.isReady).toBe(false);
  seconds = 4;
  clock.advance(15_000);
  await stored(2);
  expect(storage.isReady).toBe(true);
  // A point without a time is of the moment of its question.
  expect(storage.node('a')).toMatchObject({ cpuNanocores: 400_000_000n, windowMs: 15_000 });
  expect(storage.pod(podId('default', 'a-pod'))?.containers).toMatchObject([
    { name: 'c', usage: { cpuNanocores: 200_000_000n } },
  ]);
  expect(metrics.text()).toContain('metrics_server_storage_points{type="container"} 1\n');
  hangs = true;
  clock.advance(15_000);
  await expect.poll(() => rounds).toEqual([0, 15_000, 30_000]);
  clock.advance(10_000);
  await stored(3);
  // Nobody answered: nothing is said of anybody any more.
  expect(storage.isReady).toBe(false);
  expect(collector.late()).toBeUndefined();
  clock.stall(14_000);
  expect(collector.late()).toBe("metric collection didn't finish on time");
  stop.abort();
  await running;
});
