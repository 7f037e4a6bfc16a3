// Pods with claims, on an API in memory: they go where their volumes are or can be made, and nobody is given what another has. The
// sentences are those of the original, asked with the same objects.
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '@drydock/api/generated/types.ts';
import {
  events,
  type KubeObject,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  storageClasses,
} from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { bindCompletedAnnotation, selectedNodeAnnotation } from '@drydock/api/storage/annotations.ts';
import { isWrite } from '@drydock/client/client-layer.ts';
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

const className = 'wait';

class World {
  readonly clock = new VirtualClock();
  readonly store = new MemoryStore();
  readonly user = this.#server('user');
  #count = 0;

  #server(name: string): MemoryApi {
    return new MemoryApi({ clock: this.clock, random: new SeededRandom(name) }, this.store);
  }

  list<T extends KubeObject>(resource: Resource<T>): T[] {
    return this.store.list(resource.resource) as T[];
  }

  schedule(fateOf: (crash: () => void, server: MemoryApi) => NetworkClient['fate'] = () => () => ({}), parallelism = 16): void {
    const name = `scheduler-${this.#count++}`;
    const random = new SeededRandom(name);
    const server = this.#server(name);
    const network = new NetworkClient(server, this.clock);
    const leadership = new Leadership(this.clock);
    const ports = { client: network, rate: undefined, clock: this.clock, random, log: silentLog };
    const run = new SchedulerRun({ ...defaultSchedulerConfig, parallelism }, ports);
    network.fate = fateOf(() => {
      leadership.revoke('crashed');
      network.fate = () => ({ lost: 'request' });
    }, server);
    run.follow(leadership.held);
    void run.lead(leadership);
  }

  async node(name: string, labels: Record<string, string> = {}): Promise<void> {
    await this.user.create<Node>(nodes, node(name, { labels }));
  }

  async class(provisioner: string, more: Partial<StorageClass> = {}, name = className): Promise<void> {
    await this.user.create<StorageClass>(storageClasses, {
      metadata: { name },
      provisioner,
      volumeBindingMode: 'WaitForFirstConsumer',
      ...more,
    });
  }

  async volume(name: string, onNode: string, size = '1Gi'): Promise<void> {
    const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [onNode] }];
    const made = await this.user.create<PersistentVolume>(persistentVolumes, {
      metadata: { name },
      spec: {
        capacity: { storage: size },
        accessModes: ['ReadWriteOnce'],
        storageClassName: className,
        local: { path: '/x' },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      },
    });
    const available = { ...made, status: { phase: 'Available' } };
    await this.user.update<PersistentVolume>(persistentVolumes, available, { subresource: 'status' });
  }

  async claim(name: string, spec: PersistentVolumeClaim['spec'] = {}): Promise<void> {
    await this.user.create<PersistentVolumeClaim>(persistentVolumeClaims, {
      metadata: { namespace: 'default', name },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        storageClassName: className,
        ...spec,
      },
    });
  }

  async pod(name: string, ...claims: string[]): Promise<void> {
    const volumes = claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }));
    const { spec } = pod(name, { cpu: '1', spec: { volumes } });
    await this.user.create<Pod>(pods, { metadata: { name, namespace: 'default' }, spec });
  }

  /** What the controller that binds, and a provisioner, do each second. */
  async pass(ms: number, provisions = false): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      await this.clock.advanceAsync(Math.min(1_000, left));
      for (const volume of this.list<PersistentVolume>(persistentVolumes)) await this.#complete(volume);
      if (provisions)
        for (const claim of this.list<PersistentVolumeClaim>(persistentVolumeClaims)) await this.#provision(claim);
    }
  }

  async #complete(volume: PersistentVolume): Promise<void> {
    const { name = '', uid } = volume.spec?.claimRef ?? {};
    if (uid === undefined) return;
    const claim = await this.user.get<PersistentVolumeClaim>(persistentVolumeClaims, { namespace: 'default', name });
    if ((claim.spec?.volumeName ?? '') !== '') return;
    await this.user.update<PersistentVolumeClaim>(persistentVolumeClaims, {
      ...claim,
      metadata: { ...claim.metadata, annotations: { ...claim.metadata?.annotations, [bindCompletedAnnotation]: 'yes' } },
      spec: { ...claim.spec, volumeName: volume.metadata?.name },
    });
  }

  async #provision({ metadata, spec }: PersistentVolumeClaim): Promise<void> {
    const on = metadata?.annotations?.[selectedNodeAnnotation];
    const name = `pvc-${metadata?.uid}`;
    if (
      on === undefined ||
      (spec?.volumeName ?? '') !== '' ||
      this.list(persistentVolumes).some((each) => each.metadata?.name === name)
    )
      return;
    await this.volume(name, on);
    const volume = await this.user.get<PersistentVolume>(persistentVolumes, { name });
    const claimRef = { namespace: 'default', name: metadata?.name, uid: metadata?.uid };
    await this.user.update<PersistentVolume>(persistentVolumes, { ...volume, spec: { ...volume.spec, claimRef } });
  }

  placed(): string[] {
    return this.list<Pod>(pods).map(({ metadata, spec }) => `${metadata?.name} ${spec?.nodeName ?? '-'}`);
  }

  said(name: string): string[] {
    const about = this.list(events).filter(
      (event) => event.involvedObject?.name === name && event.reason === 'FailedScheduling',
    );
    return [...new Set(about.map(({ message }) => message ?? ''))];
  }
}

test('pods go where the volumes are that fit their claims', async () => {
  const world = new World();
  for (const name of ['n1', 'n2', 'n3']) await world.node(name);
  await world.class('kubernetes.io/no-provisioner');
  await world.volume('small', 'n2');
  await world.volume('large', 'n3', '5Gi');
  await world.claim('large', { resources: { requests: { storage: '2Gi' } } });
  await world.claim('small');
  await world.claim('late');
  await world.pod('a', 'large');
  await world.pod('b', 'small');
  await world.pod('c', 'late');
  world.schedule();
  await world.pass(30_000);
  expect(world.placed()).toEqual(['a n3', 'b n2', 'c -']);
  expect(world.said('c')).toContain(
    "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
  );
  await world.volume('later', 'n1');
  await world.pass(30_000);
  expect(world.placed()).toEqual(['a n3', 'b n2', 'c n1']);
});

test('what cannot be placed is said in the words of the original', async () => {
  const world = new World();
  await world.node('n1', { zone: 'a' });
  await world.node('n2', { zone: 'b' });
  await world.class('example.com/x', { volumeBindingMode: 'Immediate' });
  const elsewhere = [{ matchLabelExpressions: [{ key: 'zone', values: ['c'] }] }];
  await world.class('example.com/x', { allowedTopologies: elsewhere }, 'elsewhere');
  await world.claim('early');
  await world.claim('elsewhere', { storageClassName: 'elsewhere' });
  await world.claim('gone', { volumeName: 'nowhere' });
  await world.user.patch(
    persistentVolumeClaims,
    { namespace: 'default', name: 'gone' },
    { type: 'merge', body: { metadata: { annotations: { [bindCompletedAnnotation]: 'yes' } } } },
  );
  await world.pod('p-early', 'early');
  await world.pod('p-none', 'nowhere');
  await world.pod('p-elsewhere', 'elsewhere');
  await world.pod('p-gone', 'gone');
  world.schedule();
  await world.pass(5_000);
  const preemption =
    'no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.';
  expect(Object.fromEntries(['p-early', 'p-none', 'p-elsewhere', 'p-gone'].map((name) => [name, world.said(name)]))).toEqual({
    'p-early': ['0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found'],
    'p-none': ['0/2 nodes are available: persistentvolumeclaim "nowhere" not found. not found'],
    'p-elsewhere': [`0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind. ${preemption}`],
    'p-gone': ['0/2 nodes are available: persistentvolume "nowhere" not found. not found'],
  });
});

test('a volume is made for the node that was chosen, within the topology of its class; meanwhile others are scheduled', async () => {
  const world = new World();
  await world.node('n1', { zone: 'a' });
  await world.node('n2', { zone: 'b' });
  await world.class('example.com/x', { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['b'] }] }] });
  await world.claim('data');
  await world.pod('a', 'data');
  await world.pod('b');
  world.schedule(undefined, 1);
  await world.pass(20_000);
  const claim = await world.user.get<PersistentVolumeClaim>(persistentVolumeClaims, { namespace: 'default', name: 'data' });
  expect(claim.metadata?.annotations).toEqual({ [selectedNodeAnnotation]: 'n2' });
  expect(world.placed()[0]).toBe('a -');
  expect(world.placed()[1]).toMatch(/^b n/);
  await world.pass(5_000, true);
  expect(world.placed()[0]).toBe('a n2');
});

test('where the provisioner gives up, the pod is tried again', async () => {
  const world = new World();
  await world.node('n1');
  await world.class('example.com/x');
  await world.claim('data');
  await world.pod('a', 'data');
  world.schedule();
  await world.pass(3_000);
  const body = { metadata: { annotations: { [selectedNodeAnnotation]: null } } };
  await world.user.patch(persistentVolumeClaims, { namespace: 'default', name: 'data' }, { type: 'merge', body });
  await world.pass(2_000);
  expect(world.said('a')).toEqual([
    'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "data"',
  ]);
  await world.pass(30_000, true);
  expect(world.placed()).toEqual(['a n1']);
});

test('pods that share a claim go to one node, and a pod that is deleted while it waits frees its room', async () => {
  const world = new World();
  for (const name of ['n1', 'n2']) await world.node(name);
  await world.class('example.com/x');
  await world.claim('data');
  for (const name of ['a', 'b', 'c']) await world.pod(name, 'data');
  world.schedule();
  await world.pass(3_000);
  await world.user.delete(pods, { namespace: 'default', name: 'c' }, { gracePeriodSeconds: 0 });
  await world.pass(30_000, true);
  const [first, second] = world.placed().map((each) => each.split(' ')[1]);
  expect(['n1', 'n2']).toContain(first);
  expect(second).toBe(first);
});

const mishaps: Record<string, Fate & { readonly crash?: boolean }> = {
  'lost request': { lost: 'request' },
  'lost answer': { lost: 'answer' },
  unavailable: { error: apiError('ServiceUnavailable', 'the connection broke') },
  conflict: { error: apiError('Conflict', 'the object has been modified') },
  'crash before': { crash: true, lost: 'request' },
  'crash after': { crash: true, lost: 'answer' },
};

test('whatever befalls any write, each pod runs where its volume is, and no two have one', async () => {
  for (const [name, mishap] of Object.entries(mishaps)) {
    for (let at = 1; at <= 6; at++) {
      const world = new World();
      for (const each of ['n1', 'n2']) await world.node(each);
      await world.class('kubernetes.io/no-provisioner');
      await world.volume('v1', 'n1');
      await world.volume('v2', 'n2');
      for (const each of ['a', 'b']) {
        await world.claim(each);
        await world.pod(each, each);
      }
      let count = 0;
      const start = (): void =>
        world.schedule((crash, server) => (call) => {
          if (!isWrite(call) || call.resource.resource === 'events' || ++count !== at) return {};
          server.lag();
          world.clock.timer(75_000, () => server.follow());
          if (mishap.crash)
            void Promise.resolve().then(() => {
              crash();
              start();
            });
          return mishap;
        });
      start();
      await world.pass(400_000);
      const where = new Map(
        world
          .list<PersistentVolumeClaim>(persistentVolumeClaims)
          .map(({ metadata, spec }) => [metadata?.name, spec?.volumeName]),
      );
      const placed = world
        .placed()
        .map((each) => each.split(' '))
        .map(([each = '', on]) => [where.get(each)?.slice(1), on?.slice(1)]);
      expect({
        label: `${name} at write ${at}`,
        placed: placed.every(([volume, on]) => volume === on),
        volumes: [...where.values()].sort(),
      }).toEqual({
        label: `${name} at write ${at}`,
        placed: true,
        volumes: ['v1', 'v2'],
      });
    }
  }
});
