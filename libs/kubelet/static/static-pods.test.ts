// Pods of manifests in a world of their own: they need no API server, and what is done to their mirrors there does nothing to them.
import type { CoreEvent, Pod } from '@drydock/api/generated/types.ts';
import { pods } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import type { KubeletWorld } from '../testing/kubelet-world.ts';
import { container, namespace, nodeName } from '../testing/pods.ts';
import type { Behaviour } from '../testing/process-engine.ts';
import { happened, scene } from '../testing/scene.ts';
import type { StaticSource } from './source.ts';

/** A source that says what it is told, to each kubelet that listens. */
class Told implements StaticSource {
  #pods: readonly Pod[] | undefined;
  #found: ((pods: readonly Pod[]) => void) | undefined;

  constructor(pods?: readonly Pod[]) {
    this.#pods = pods;
  }

  start(found: (pods: readonly Pod[]) => void): void {
    this.#found = found;
    if (this.#pods !== undefined) found(this.#pods);
  }

  stop(): void {
    this.#found = undefined;
  }

  tell(...list: Pod[]): void {
    this.#pods = list;
    this.#found?.(list);
  }
}

function manifest(uid: string, behaviour: Behaviour = {}, name = 'web'): Pod {
  const annotations = { 'kubernetes.io/config.hash': uid, 'kubernetes.io/config.source': 'file' };
  return {
    metadata: { name: `${name}-${nodeName}`, namespace, uid, annotations },
    spec: { nodeName, terminationGracePeriodSeconds: 10, restartPolicy: 'Always', containers: [container('a', behaviour)] },
    status: { phase: 'Pending' },
  };
}

const mirror = (world: KubeletWorld) => world.pod(`web-${nodeName}`);
const isUp = (world: KubeletWorld) => mirror(world)?.status?.phase === 'Running';

test('a pod of a manifest runs, and the API server has its mirror, with its status and owned by its node', async () => {
  const source = new Told([manifest('one')]);
  const world = await scene({ staticSources: () => [source] });
  await world.until('the mirror is up', () => isUp(world), 10_000);
  const node = world.store.get('nodes', nodeName);
  expect(mirror(world)?.metadata).toMatchObject({
    annotations: {
      'kubernetes.io/config.hash': 'one',
      'kubernetes.io/config.mirror': 'one',
      'kubernetes.io/config.source': 'file',
      'kubernetes.io/config.seen': expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node?.metadata?.uid, controller: true }],
  });
  expect(mirror(world)?.metadata?.uid).not.toBe('one');
  expect(world.engine.runningOf('one')).toHaveLength(1);
  expect(world.engine.runningOf(mirror(world)?.metadata?.uid ?? '')).toEqual([]);
  source.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 30_000);
  await world.until('its containers are', () => world.engine.runningOf('one').length === 0, 30_000);
  expect(happened(world, 'start', 'term', 'kill')).toEqual(['start a 0', expect.stringContaining('term a')]);
});

test('who deletes the mirror, with any grace, deletes nothing else: it comes again', async () => {
  const source = new Told([manifest('one')]);
  const world = await scene({ staticSources: () => [source] });
  for (const grace of [undefined, 0, 30]) {
    await world.until('the mirror is up', () => isUp(world), 10_000);
    const before = mirror(world)?.metadata?.uid;
    await world.delete(`web-${nodeName}`, grace);
    await world.until('it is there again', () => isUp(world) && mirror(world)?.metadata?.uid !== before, 30_000);
  }
  expect(happened(world, 'start', 'term', 'kill', 'end')).toEqual(['start a 0']);
  source.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 30_000);
});

test('a manifest that changes is another pod: the old one ends, with its grace, before the new one starts', async () => {
  const source = new Told([manifest('one', { termMs: 4_000 })]);
  const world = await scene({ staticSources: () => [source] });
  await world.until('the mirror is up', () => isUp(world), 10_000);
  source.tell(manifest('two'));
  await world.until('that of the new one is', () => isUp(world) && annotation(world) === 'two', 30_000);
  const [, term, end, start] = world.journal.filter(({ what }) => ['start', 'term', 'end'].includes(what));
  expect([term?.what, end?.what, start?.what]).toEqual(['term', 'end', 'start']);
  expect((end?.atMs ?? 0) - (term?.atMs ?? 0)).toBe(4_000);
  source.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 30_000);
});

const annotation = (world: KubeletWorld) => mirror(world)?.metadata?.annotations?.['kubernetes.io/config.mirror'];

test('one that changes twice while it ends starts as the last one', async () => {
  const source = new Told([manifest('one', { termMs: 4_000 })]);
  const world = await scene({ staticSources: () => [source] });
  await world.until('the mirror is up', () => isUp(world), 10_000);
  source.tell(manifest('two'));
  await world.advance(1_000);
  source.tell(manifest('three'));
  await world.until('that of the last one is', () => isUp(world) && annotation(world) === 'three', 30_000);
  expect(world.engine.runningOf('two')).toEqual([]);
  expect(happened(world, 'start')).toHaveLength(2);
  source.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 30_000);
});

test('it runs where the API server does not answer, and is told of when it does', async () => {
  const source = new Told([manifest('one')]);
  let isDown = true;
  const world = await scene({
    staticSources: () => [source],
    plantInClient: (client) =>
      new Proxy(client, {
        get(target, name) {
          const found = Reflect.get(target, name);
          if (typeof found !== 'function') return found;
          return isDown && name !== 'close' ? () => Promise.reject(new Error('connection refused')) : found.bind(target);
        },
      }),
  });
  await world.until('it runs', () => world.engine.runningOf('one').length === 1, 30_000);
  expect(mirror(world)).toBeUndefined();
  isDown = false;
  await world.until('the mirror is up', () => isUp(world), 120_000);
  expect(happened(world, 'start')).toHaveLength(1);
  source.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 30_000);
});

test('a kubelet that starts again takes over what runs, and removes what no manifest has any more', async () => {
  const source = new Told([manifest('one')]);
  const world = await scene({ staticSources: () => [source] });
  await world.until('the mirror is up', () => isUp(world), 10_000);
  const uid = mirror(world)?.metadata?.uid;
  world.crash();
  await world.advance(30_000);
  expect(happened(world, 'start', 'end')).toHaveLength(1);
  expect(mirror(world)?.metadata?.uid).toBe(uid);
  source.stop();
  world.crash();
  source.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 60_000);
  await world.until('its containers are', () => world.engine.runningOf('one').length === 0, 60_000);
});

test('before the manifests are known nothing of them is taken for left', async () => {
  const source = new Told([manifest('one')]);
  let current: StaticSource = source;
  const world = await scene({ staticSources: () => [current] });
  await world.until('the mirror is up', () => isUp(world), 10_000);
  // The next kubelet cannot read its manifests.
  const silent = new Told();
  current = silent;
  world.crash();
  await world.advance(120_000);
  expect([world.engine.runningOf('one').length, isUp(world)]).toEqual([1, true]);
  silent.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 60_000);
});

test('a pod of the API server that says it is of a file, or a mirror of nothing, is not believed', async () => {
  const source = new Told([]);
  const world = await scene({ staticSources: () => [source] });
  const claims = manifest('claimed', {}, 'claims');
  await world.create({ ...claims, metadata: { ...claims.metadata, uid: undefined } } as Pod);
  await world.until('it runs as any other', () => world.pod(`claims-${nodeName}`)?.status?.phase === 'Running', 10_000);
  const liar = manifest('nothing');
  const annotations = { 'kubernetes.io/config.mirror': 'nothing' };
  await world.user.create<Pod>(pods, { ...liar, metadata: { name: liar.metadata?.name, namespace, annotations } });
  await world.until('what mirrors nothing is gone', () => mirror(world) === undefined, 30_000);
  expect(happened(world, 'start')).toHaveLength(1);
  await world.delete(`claims-${nodeName}`);
  await world.untilGone(`claims-${nodeName}`, 30_000);
});

test('what others write as the status of a mirror does not end the pod, and is overwritten', async () => {
  const source = new Told([manifest('one')]);
  const world = await scene({ staticSources: () => [source] });
  await world.until('the mirror is up', () => isUp(world), 10_000);
  for (const phase of ['Failed', 'Succeeded'])
    for (const restart of [false, true]) {
      const body = { status: { phase, reason: 'Said' } };
      const key = { namespace, name: `web-${nodeName}` };
      await world.user.patch<Pod>(pods, key, { type: 'merge', body }, { subresource: 'status' });
      if (restart) world.crash();
      await world.advance(10_000);
      await world.until('it is up again', () => isUp(world), 60_000);
    }
  expect(happened(world, 'start', 'term', 'kill', 'end')).toEqual(['start a 0']);
  source.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 30_000);
});

test('a pod of the API server that is called a mirror later is ended, and not forgotten while it runs', async () => {
  const source = new Told([]);
  const world = await scene({ staticSources: () => [source] });
  const own = manifest('own', {}, 'own');
  await world.create({ ...own, metadata: { name: own.metadata?.name, namespace } } as Pod);
  await world.until('it runs', () => world.pod(`own-${nodeName}`)?.status?.phase === 'Running', 10_000);
  const body = { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } };
  await world.user.patch<Pod>(pods, { namespace, name: `own-${nodeName}` }, { type: 'merge', body });
  await world.advance(10_000);
  await world.delete(`own-${nodeName}`);
  await world.untilGone(`own-${nodeName}`, 60_000);
  expect(happened(world, 'start', 'term')).toEqual(['start a 0', expect.stringContaining('term a')]);
});

test('while the pod ends its mirror stays: what it takes of the node is not free', async () => {
  const source = new Told([manifest('one', { termMs: 4_000 })]);
  const world = await scene({ staticSources: () => [source] });
  await world.until('the mirror is up', () => isUp(world), 10_000);
  source.tell();
  await world.advance(3_000);
  expect([world.engine.runningOf('one').length, mirror(world) === undefined]).toEqual([1, false]);
  await world.until('the mirror is gone', () => mirror(world) === undefined, 30_000);
  expect(world.engine.runningOf('one')).toEqual([]);
});

test('the mirror of a pod that has ended says so, also one that comes when it has', async () => {
  const once = manifest('one', { runMs: 1_000 });
  const source = new Told([{ ...once, spec: { containers: [], ...once.spec, restartPolicy: 'Never' } }]);
  const world = await scene({ staticSources: () => [source] });
  const hasEnded = () => mirror(world)?.status?.phase === 'Succeeded';
  await world.until('it has ended', hasEnded, 30_000);
  const before = mirror(world)?.metadata?.uid;
  await world.delete(`web-${nodeName}`);
  await world.until('another mirror says so', () => hasEnded() && mirror(world)?.metadata?.uid !== before, 30_000);
  source.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 30_000);
});

test('a pod that its node does not take has no mirror, and an event says why', async () => {
  const one = manifest('one');
  const securityContext = { sysctls: [{ name: 'kernel.msgmax', value: '1' }] };
  const source = new Told([{ ...one, spec: { containers: [], ...one.spec, securityContext } }]);
  const world = await scene({ staticSources: () => [source] });
  const told = () => (world.store.list('events') as CoreEvent[]).find(({ reason }) => reason === 'SysctlForbidden');
  await world.until('it is told', () => told() !== undefined, 60_000);
  await world.advance(10_000);
  expect([mirror(world), world.engine.runningOf('one')]).toEqual([undefined, []]);
  source.tell();
});

test('of two pods of one name the one that runs goes on, and the other follows it', async () => {
  const [file, url] = [new Told([]), new Told([manifest('one')])];
  const world = await scene({ staticSources: () => [file, url] });
  await world.until('the mirror is up', () => isUp(world), 10_000);
  file.tell(manifest('two'));
  await world.advance(10_000);
  expect([annotation(world), happened(world, 'start', 'term')]).toEqual(['one', ['start a 0']]);
  url.tell();
  await world.until('that of the other is', () => isUp(world) && annotation(world) === 'two', 30_000);
  file.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 30_000);
});

test('of two in one source the first runs, and an event tells of the other', async () => {
  const source = new Told([manifest('one'), manifest('two')]);
  const world = await scene({ staticSources: () => [source] });
  await world.until('the mirror is up', () => isUp(world), 10_000);
  expect(annotation(world)).toBe('one');
  const told = () => (world.store.list('events') as CoreEvent[]).find(({ reason }) => reason === 'FailedValidation');
  await world.until('it is told', () => told() !== undefined, 10_000);
  expect(told()?.message).toBe(
    `Error validating pod web-${nodeName}_${namespace}(two) from file due to duplicate pod name "web-${nodeName}", ignoring`,
  );
  source.tell();
  await world.until('the mirror is gone', () => mirror(world) === undefined, 30_000);
});
