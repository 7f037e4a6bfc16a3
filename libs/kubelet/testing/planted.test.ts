// A check that cannot fail shows nothing: kubelets with a defect each, made at their ports, are caught.
import type { Pod } from '@drydock/api/generated/types.ts';
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { pods } from '@drydock/api/resource.ts';
import type { ApiClient, Patch, WatchEvent, WatchOptions } from '@drydock/client/api-client.ts';
import { type Call, ClientLayer, type Run } from '@drydock/client/client-layer.ts';
import { expect, test } from 'vitest';
import type { ContainerEngine } from '../engine/engine.ts';
import type { WorldOptions } from './kubelet-world.ts';
import { runOnce, type Scenario } from './mishaps.ts';
import { container, namespace, pod } from './pods.ts';

type Methods = Partial<Record<keyof ContainerEngine, (...args: never[]) => Promise<unknown>>>;

function changed(engine: ContainerEngine, methods: (engine: ContainerEngine) => Methods): ContainerEngine {
  return new Proxy(engine, {
    get: (target, name) => Reflect.get(methods(target), name) ?? Reflect.get(target, name, target),
  });
}

class Layer extends ClientLayer {
  readonly inner: ApiClient;
  constructor(inner: ApiClient) {
    super();
    this.inner = inner;
  }
  protected around<R>(_call: Call, run: Run<R>): Promise<R> {
    return run(this.inner);
  }
  watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return this.inner.watch(resource, options);
  }
  close(): void {}
}

/** Lists only what this life of the kubelet has made. */
function forgetful(engine: ContainerEngine): ContainerEngine {
  const own = new Set<string>();
  const made = async (id: Promise<string>): Promise<string> => {
    own.add(await id);
    return id;
  };
  return changed(engine, () => ({
    runSandbox: (...args: Parameters<ContainerEngine['runSandbox']>) => made(engine.runSandbox(...args)),
    createContainer: (...args: Parameters<ContainerEngine['createContainer']>) => made(engine.createContainer(...args)),
    listSandboxes: async (uid?: string) => (await engine.listSandboxes(uid)).filter(({ id }) => own.has(id)),
    listContainers: async (uid?: string) => (await engine.listContainers(uid)).filter(({ id }) => own.has(id)),
  }));
}

/** Makes and starts the last container once more when one has ended. */
function restless(engine: ContainerEngine): ContainerEngine {
  let last: Parameters<ContainerEngine['createContainer']> | undefined;
  return changed(engine, () => ({
    createContainer: (...args: Parameters<ContainerEngine['createContainer']>) => {
      last = args;
      return engine.createContainer(...args);
    },
    stopContainer: async (id: string, seconds: number) => {
      await engine.stopContainer(id, seconds);
      if (last !== undefined) await engine.startContainer(await engine.createContainer(...last));
    },
  }));
}

/** Every status that it writes passes here first. */
class StatusChanger extends Layer {
  #count = 0;
  readonly #change: (status: NonNullable<Pod['status']>, count: number) => void;
  constructor(inner: ApiClient, change: (status: NonNullable<Pod['status']>, count: number) => void) {
    super(inner);
    this.#change = change;
  }
  override patch: ApiClient['patch'] = (resource, key, patch, options) => {
    const body = structuredClone(patch.body) as Pod;
    if (options?.subresource === 'status' && resource.resource === 'pods' && body.status !== undefined)
      this.#change(body.status, this.#count++);
    return this.inner.patch(resource, key, { ...patch, body } as Patch, options);
  };
}

/** Removes the object of a pod as soon as it says that it is to end. */
class Hasty extends Layer {
  override async *watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>> {
    for await (const event of this.inner.watch(resource, options)) {
      const { name = '', deletionTimestamp } = event.object.metadata ?? {};
      if (resource.resource === 'pods' && event.type === 'MODIFIED' && deletionTimestamp !== undefined)
        await this.inner.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 });
      yield event;
    }
  }
}

/** Does not hear that a pod is to end. */
class Deaf extends Layer {
  override async *watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>> {
    for await (const event of this.inner.watch(resource, options))
      if (event.object.metadata?.deletionTimestamp === undefined) yield event;
  }
}

/** A container that fails now and then and does not heed SIGTERM. */
const scenario = (options: WorldOptions, crashAtMs?: number): Scenario => ({
  options,
  run: async (world) => {
    await world.create(pod('p', [container('a', { runMs: [3_000, null], exitCode: 1, termMs: null }), container('b')]));
    await world.advance(1_000);
    if (crashAtMs !== undefined) world.crash();
    await world.advance(20_000);
    await world.untilReady('p', 60_000);
    await world.delete('p');
    await world.untilGone('p', 60_000);
  },
});

test('without a defect nothing is found', async () => {
  expect(await runOnce(scenario({}))).toEqual([]);
  expect(await runOnce(scenario({}, 1_000))).toEqual([]);
});

const inEngine = (methods: (engine: ContainerEngine) => Methods): WorldOptions => ({
  plantInEngine: (engine) => changed(engine, methods),
});

test.each<[string, WorldOptions, RegExp, number?]>([
  [
    'gives no grace',
    inEngine((engine) => ({ stopContainer: (id: string) => engine.stopContainer(id, 0) })),
    /a is killed at \d+, \d+ ms before its grace is over/,
  ],
  [
    'gives too much of it',
    inEngine((engine) => ({ stopContainer: (id: string, seconds: number) => engine.stopContainer(id, seconds + 20) })),
    /a ends at \d+, though its grace was over at/,
  ],
  [
    'does not see containers that another life of it has started',
    { plantInEngine: forgetful },
    /a is started at \d+ while it runs/,
    1_000,
  ],
  [
    'starts a container that it has ended',
    { plantInEngine: restless },
    /is started at \d+, after its pod's containers were told to end/,
  ],
  ['leaves sandboxes', inEngine(() => ({ removeSandbox: async () => {} })), /^sandbox /],
  ['leaves containers', inEngine(() => ({ removeContainer: async () => {}, removeSandbox: async () => {} })), /^container /],
  [
    'says that nothing was ever started again',
    {
      plantInClient: (client) =>
        new StatusChanger(client, ({ containerStatuses = [] }) => {
          for (const status of containerStatuses) Object.assign(status, { restartCount: 0 });
        }),
    },
    /says another container of a but no restart/,
  ],
  [
    'goes back in its phase',
    {
      plantInClient: (client) =>
        new StatusChanger(client, (status, count) => {
          if (count % 2 === 1) status.phase = 'Pending';
        }),
    },
    /says Pending after Running/,
  ],
  [
    'removes the object before the containers',
    { plantInClient: (client) => new Hasty(client) },
    /is removed at \d+ while [ab]/,
  ],
  ['does not hear of the end', { plantInClient: (client) => new Deaf(client) }, /not within 60000 ms: p is gone/],
])('a kubelet that %s is caught', async (_, options, expected, crashAtMs) => {
  const found = await runOnce(scenario(options, crashAtMs));
  expect(found.some((text) => expected.test(text)) ? [] : found).toEqual([]);
  expect(found).not.toEqual([]);
});
