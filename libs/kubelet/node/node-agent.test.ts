// A node's registration, status and lease on an API in memory, on the virtual clock.
import type { Lease, Node } from '@drydock/api/generated/types.ts';
import { leases, nodes } from '@drydock/api/resource.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { NodeAgent, type NodeOptions } from './node-agent.ts';

const options: NodeOptions = {
  name: 'n',
  ip: '10.0.0.1',
  facts: {
    hostname: 'n',
    cpus: 1,
    memoryBytes: 1,
    storageBytes: 1,
    kernel: 'k',
    osImage: 'o',
    machineId: 'm',
    bootId: 'b',
    architecture: 'amd64',
  },
  labels: {},
  taints: [],
  port: 10_250,
  agentPort: 0,
  capacity: { cpu: '1' },
  allocatable: { cpu: '1' },
  seen: () => undefined,
  pressures: () => new Set(),
  statusPeriodMs: 10_000,
  leaseSeconds: 40,
  engineVersion: 'e://1',
  problems: async () => [],
  images: async () => [],
  features: () => ({ supplementalGroupsPolicy: true }),
};

function world() {
  const clock = new VirtualClock();
  const api = new MemoryApi({ clock, random: new SeededRandom('node') });
  const start = (more: Partial<NodeOptions> = {}): NodeAgent => {
    const agent = new NodeAgent(api, clock, silentLog, { ...options, ...more });
    agent.start();
    return agent;
  };
  const node = () => api.get<Node>(nodes, { name: 'n' }).catch(() => undefined);
  const lease = () => api.get<Lease>(leases, { namespace: 'kube-node-lease', name: 'n' }).catch(() => undefined);
  return { clock, api, start, node, lease };
}

test('a node that was deleted stays gone, its lease too, until its kubelet is started anew', async () => {
  const { clock, api, start, node, lease } = world();
  const agent = start();
  await clock.advanceAsync(15_000);
  const first = await node();
  expect((await lease())?.metadata?.ownerReferences?.[0]?.uid).toBe(first?.metadata?.uid);
  await api.delete(nodes, { name: 'n' });
  agent.deleted(first?.metadata?.uid ?? '');
  await api.delete(leases, { namespace: 'kube-node-lease', name: 'n' });
  await clock.advanceAsync(120_000);
  expect([await node(), await lease()]).toEqual([undefined, undefined]);
  agent.stop();
  start();
  await clock.advanceAsync(15_000);
  const again = await node();
  expect(again?.metadata?.uid).not.toBe(first?.metadata?.uid);
  expect((await lease())?.metadata?.ownerReferences?.[0]?.uid).toBe(again?.metadata?.uid);
});

test('a node that somebody makes again is kept again', async () => {
  const { clock, api, start, node, lease } = world();
  const agent = start();
  await clock.advanceAsync(15_000);
  agent.deleted((await node())?.metadata?.uid ?? '');
  await api.delete(nodes, { name: 'n' });
  await clock.advanceAsync(60_000);
  await api.create<Node>(nodes, { metadata: { name: 'n' } });
  await clock.advanceAsync(30_000);
  const made = await node();
  expect(made?.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  expect((await lease())?.metadata?.ownerReferences?.[0]?.uid).toBe(made?.metadata?.uid);
  expect(made?.status?.features).toEqual({ supplementalGroupsPolicy: true });
});

test('a kubelet that is restarted keeps the time since which its node is ready', async () => {
  const { clock, start, node } = world();
  const readySince = async () => (await node())?.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  const agent = start();
  await clock.advanceAsync(15_000);
  const before = await readySince();
  await clock.advanceAsync(600_000);
  agent.stop();
  start();
  await clock.advanceAsync(15_000);
  expect([before, await readySince()]).toEqual([before, before]);
});

test('what somebody gave the node can be asked for, and no longer once it was taken away', async () => {
  const { clock, api, start, node } = world();
  let seen: Node | undefined;
  start({ seen: () => seen });
  await clock.advanceAsync(1_000);
  const give = async (capacity: object) => {
    seen = await api.patch<Node>(
      nodes,
      { name: 'n' },
      { type: 'strategic', body: { status: { capacity } } },
      { subresource: 'status' },
    );
    await clock.advanceAsync(options.statusPeriodMs);
    seen = await node();
    return seen?.status?.allocatable;
  };
  expect(await give({ 'a.b/x': '1000', 'kubernetes.io/own': '1' })).toEqual({ cpu: '1', 'a.b/x': '1k' });
  expect(await give({ 'a.b/x': '5' })).toEqual({ cpu: '1', 'a.b/x': '5' });
  expect(await give({ 'a.b/x': null })).toEqual({ cpu: '1' });
});
