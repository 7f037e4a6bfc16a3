// The scheduler with its effects, on an API in memory: whatever befalls its writes, no node holds more than it has, nothing is bound
// twice, and in the end everything that fits runs.
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { type KubeObject, nodes, pods, type Resource } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { type Call, isWrite } from '@drydock/client/client-layer.ts';
import { Leadership } from '@drydock/client/leadership.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { MemoryStore } from '@drydock/client/testing/memory-store.ts';
import { type Fate, NetworkClient } from '@drydock/client/testing/network-client.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { defaultSchedulerConfig } from './config.ts';
import { SchedulerRun } from './run.ts';
import { node, pod } from './testing.ts';

class World {
  readonly clock = new VirtualClock();
  readonly store = new MemoryStore();
  readonly user = this.#server('user');
  /** The most cpus that pods ever had on each node at once. */
  readonly most = new Map<string, number>();
  readonly deleted = new Set<string>();
  #count = 0;

  constructor() {
    this.store.onChange(() => {
      const used = new Map<string, number>();
      for (const { spec, metadata } of this.#list<Pod>(pods)) {
        const cpus = Number(spec?.containers[0]?.resources?.requests?.['cpu'] ?? 0);
        if (spec?.nodeName) used.set(spec.nodeName, (used.get(spec.nodeName) ?? 0) + cpus);
        if (metadata?.deletionTimestamp !== undefined) this.deleted.add(metadata.name ?? '');
      }
      for (const [name, cpus] of used) this.most.set(name, Math.max(cpus, this.most.get(name) ?? 0));
    });
  }

  #server(name: string): MemoryApi {
    return new MemoryApi({ clock: this.clock, random: new SeededRandom(name) }, this.store);
  }

  #list<T extends KubeObject>(resource: Resource<T>): T[] {
    return this.store.list(resource.resource) as T[];
  }

  /** A scheduler that leads. */
  scheduler(parallelism = 16) {
    const { clock } = this;
    const name = `scheduler-${this.#count++}`;
    const random = new SeededRandom(name);
    const server = this.#server(name);
    const network = new NetworkClient(server, clock);
    const leadership = new Leadership(clock);
    const run = new SchedulerRun(
      { ...defaultSchedulerConfig, parallelism },
      { client: network, rate: undefined, clock, random, log: silentLog },
    );
    run.follow(leadership.held);
    const crash = (): void => {
      leadership.revoke('crashed');
      network.fate = () => ({ lost: 'request' });
    };
    void run.lead(leadership);
    return { server, network, leadership, run, crash };
  }

  async node(name: string, cpu: string): Promise<void> {
    await this.user.create<Node>(nodes, node(name, { cpu }));
  }

  async pod(name: string, more: Parameters<typeof pod>[1] = {}): Promise<void> {
    const { spec } = pod(name, { cpu: '1', ...more });
    await this.user.create<Pod>(pods, { metadata: { name, namespace: 'default' }, spec });
  }

  /** A kubelet removes what is being deleted, after a while. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      await this.clock.advanceAsync(Math.min(1_000, left));
      for (const { metadata } of this.#list<Pod>(pods)) {
        if (metadata?.deletionTimestamp === undefined) continue;
        await this.user.delete(pods, { namespace: 'default', name: metadata.name ?? '' }, { gracePeriodSeconds: 0 });
      }
    }
  }

  placed(): string[] {
    return this.#list<Pod>(pods).map(({ metadata, spec }) => `${metadata?.name} ${spec?.nodeName ?? '-'}`);
  }

  nominated(name: string): string | undefined {
    return this.#list<Pod>(pods).find(({ metadata }) => metadata?.name === name)?.status?.nominatedNodeName;
  }
}

const isBinding = (call: Call): boolean => call.subresource === 'binding';

const mishaps: Record<string, Fate & { readonly crash?: boolean }> = {
  'lost request': { lost: 'request' },
  'lost answer': { lost: 'answer' },
  unavailable: { error: apiError('ServiceUnavailable', 'the connection broke') },
  'no leader': { error: apiError('InternalError', 'etcdserver: no leader') },
  'too busy': { error: apiError('TooManyRequests', 'try again later') },
  conflict: { error: apiError('Conflict', 'the object has been modified') },
  'slow answer': { answerMs: 20_000 },
  'crash before': { crash: true, lost: 'request' },
  'crash after': { crash: true, lost: 'answer' },
};

/** Runs the scenario with each mishap at each write but those of events; caches lag from then on for longer than a call lasts. */
async function withEveryMishap(scenario: (world: World, start: () => void, label: string) => Promise<void>): Promise<number> {
  let writes = Number.POSITIVE_INFINITY;
  for (const [name, mishap] of [['none', undefined], ...Object.entries(mishaps)] as const) {
    for (let at = 1; at <= (mishap === undefined ? 1 : writes); at++) {
      const world = new World();
      let count = 0;
      let struck = false;
      const start = (): void => {
        const { network, server, crash } = world.scheduler();
        network.fate = (call) => {
          if (!isWrite(call) || call.resource.resource === 'events') return {};
          if (++count !== at || struck || mishap === undefined) return {};
          struck = true;
          server.lag();
          world.clock.timer(75_000, () => server.follow());
          if (mishap.crash) {
            void Promise.resolve().then(() => {
              crash();
              start();
            });
          }
          return mishap;
        };
      };
      await scenario(world, start, `${name} at write ${at}`);
      if (mishap === undefined) writes = count;
    }
  }
  return writes;
}

test('pods are bound, each once, and never more to a node than it has, whatever befalls any write', {
  timeout: 60_000,
}, async () => {
  const writes = await withEveryMishap(async (world, start, label) => {
    await world.node('n1', '2');
    await world.node('n2', '1');
    for (const name of ['a', 'b', 'c', 'd', 'e']) await world.pod(name);
    start();
    await world.pass(230_000);
    const placed = world.placed();
    expect({ label, bound: placed.filter((text) => !text.endsWith('-')).length, deleted: world.deleted.size }).toEqual({
      label,
      bound: 3,
      deleted: 0,
    });
    expect({ label, most: [...world.most].sort() }).toEqual({
      label,
      most: [
        ['n1', 2],
        ['n2', 1],
      ],
    });
  });
  expect(writes).toBeGreaterThanOrEqual(3);
});

test('a pod of high priority gets the place of one of low priority, whatever befalls any write', {
  timeout: 120_000,
}, async () => {
  const writes = await withEveryMishap(async (world, start, label) => {
    await world.node('n1', '2');
    await world.pod('low-1', { spec: { priority: 1, nodeName: 'n1' } });
    await world.pod('low-2', { spec: { priority: 2, nodeName: 'n1' } });
    await world.pod('high', { spec: { priority: 10 } });
    start();
    await world.pass(400_000);
    expect({ label, placed: world.placed(), deleted: [...world.deleted] }).toEqual({
      label,
      placed: ['high n1', 'low-2 n1'],
      deleted: ['low-1'],
    });
  });
  expect(writes).toBeGreaterThanOrEqual(4);
});

test('the room of a pod whose binding has no answer is given to nobody before it is known', async () => {
  const world = new World();
  await world.node('n1', '1');
  await world.pod('first');
  await world.pod('second');
  const { network, server } = world.scheduler();
  network.fate = (call) => {
    if (!isBinding(call)) return {};
    server.lag();
    return { lost: 'answer' };
  };
  await world.pass(130_000);
  network.fate = () => ({});
  server.follow();
  await world.pass(30_000);
  expect(world.placed()).toEqual(['first n1', 'second -']);
  await world.user.delete(pods, { namespace: 'default', name: 'first' });
  await world.pass(30_000);
  expect(world.placed()).toEqual(['second n1']);
});

test('a binding that was refused for certain frees the room at once', async () => {
  const world = new World();
  await world.node('n1', '1');
  await world.pod('first');
  const { network } = world.scheduler();
  network.fate = (call) => (isBinding(call) && call.name === 'first' ? { error: apiError('Forbidden', 'no') } : {});
  await world.pass(1_000);
  await world.pod('second');
  await world.pass(5_000);
  expect(world.placed()).toEqual(['first -', 'second n1']);
});

test.each([
  ['Forbidden', { reason: 'SchedulerError', message: 'binding rejected: no' }],
  // Somebody else has bound it: nothing is said against that.
  ['Conflict', undefined],
] as const)('a pod whose binding was refused with %s says why', async (reason, expected) => {
  const world = new World();
  await world.node('n1', '1');
  await world.pod('p');
  const { network } = world.scheduler();
  network.fate = (call) => (isBinding(call) ? { error: apiError(reason, 'no') } : {});
  await world.pass(1_000);
  const { status } = await world.user.get<Pod>(pods, { namespace: 'default', name: 'p' });
  const condition = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (expected === undefined) expect(condition).toBeUndefined();
  else expect(condition).toMatchObject({ ...expected, status: 'False' });
});

test('where one victim is gone already, the others go all the same; where one cannot go, nothing stays nominated', async () => {
  const world = new World();
  await world.node('n1', '2');
  for (const name of ['low-1', 'low-2']) await world.pod(name, { spec: { priority: 1, nodeName: 'n1' } });
  await world.pod('high', { cpu: '2', spec: { priority: 10 } });
  const { network } = world.scheduler();
  let refused = true;
  network.fate = (call) => {
    if (call.name === 'low-1' && isWrite(call)) return { error: apiError('NotFound', 'pods "low-1" not found') };
    if (refused && call.name === 'low-2' && call.verb === 'delete') return { error: apiError('Forbidden', 'not allowed') };
    return {};
  };
  await world.pass(5_000);
  expect([world.nominated('high'), [...world.deleted]]).toEqual([undefined, []]);
  refused = false;
  await world.pass(20_000);
  expect([...world.deleted]).toEqual(['low-2']);
});

test('a nomination that helps no more is taken back in the API', async () => {
  const world = new World();
  await world.node('n1', '1');
  await world.pod('low', { spec: { priority: 1, nodeName: 'n1' } });
  await world.pod('high', { spec: { priority: 10 } });
  const { network } = world.scheduler();
  // The victim is not removed: it takes its time to end.
  network.fate = () => ({});
  await world.clock.advanceAsync(3_000);
  expect(world.nominated('high')).toBe('n1');
  await world.user.patch(nodes, { name: 'n1' }, { type: 'merge', body: { spec: { unschedulable: true } } });
  await world.pass(20_000);
  await world.user.patch(
    pods,
    { namespace: 'default', name: 'high' },
    { type: 'merge', body: { metadata: { labels: { a: 'b' } } } },
  );
  await world.pass(20_000);
  expect([world.nominated('high'), world.placed()]).toEqual([undefined, ['high -']]);
});

test('a pod made anew under the name of one that found no node is not told what was found of that', async () => {
  const world = new World();
  await world.pod('p');
  const { network } = world.scheduler();
  const key = { namespace: 'default', name: 'p' };
  let replaced = false;
  network.fate = (call) => {
    if (call.verb === 'patch' && !replaced) {
      replaced = true;
      void world.user.delete(pods, key, { gracePeriodSeconds: 0 }).then(() => world.pod('p', { spec: { nodeName: 'n9' } }));
      return { requestMs: 100 };
    }
    return {};
  };
  await world.clock.advanceAsync(1_000);
  expect(replaced).toBe(true);
  const { spec, status } = await world.user.get<Pod>(pods, key);
  expect([spec?.nodeName, status?.conditions]).toEqual(['n9', undefined]);
});

test('no more writes are under way than parallelism says', async () => {
  const world = new World();
  await world.node('n1', '100');
  for (let index = 0; index < 10; index++) await world.pod(`p${index}`);
  const { network } = world.scheduler(3);
  let bindings = 0;
  network.seen = (call) => {
    if (isBinding(call)) bindings++;
  };
  network.fate = (call) => (isBinding(call) ? { answerMs: 10_000 } : {});
  await world.clock.advanceAsync(5_000);
  expect(bindings).toBe(3);
  await world.clock.advanceAsync(10_000);
  expect(bindings).toBe(6);
});

test('who is being stopped ends the bindings under way and begins no other', async () => {
  const world = new World();
  await world.node('n1', '100');
  for (const name of ['a', 'b', 'c']) await world.pod(name);
  const { network, leadership } = world.scheduler(1);
  network.fate = (call) => (isBinding(call) ? { answerMs: 2_000 } : {});
  await world.clock.advanceAsync(500);
  const over = leadership.giveUp(10_000);
  await world.clock.advanceAsync(60_000);
  expect([await over, world.placed()]).toEqual([true, ['a n1', 'b -', 'c -']]);
});
