// A namespace that ends takes along what it holds, also of types that are no built-in ones, whatever befalls any write.
import type { Namespace } from '@drydock/api/generated/types.ts';
import { type KubeObject, namespaces } from '@drydock/api/resource.ts';
import { unavailable } from '@drydock/client/errors.ts';
import { expect, test } from 'vitest';
import { builtInResources } from '../common/resource-list.ts';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { startNamespaceController } from './controller.ts';

const foos = { group: 'fake.test', version: 'v1', resource: 'foos', kind: 'Foo', namespaced: true };
const row = { singularName: '', kind: 'Foo', namespaced: true, verbs: ['list', 'delete', 'deletecollection'] };
const rows = [
  { ...row, name: 'foos' },
  { ...row, name: 'foos/status' },
  { ...row, name: 'readonly', verbs: ['list'] },
  { ...row, name: 'wide', namespaced: false },
];

class Ending extends World {
  isAway = false;

  /** As the apiserver's discovery, with one group behind it. */
  readonly #raw = (path: string): unknown => {
    if (path === '/apis') {
      const versions = [{ groupVersion: 'fake.test/v1', version: 'v1' }];
      const apps = [{ groupVersion: 'apps/v1', version: 'v1' }];
      return {
        groups: [
          { name: 'apps', versions: apps },
          { name: 'fake.test', versions },
        ],
      };
    }
    expect(path).toBe('/apis/fake.test/v1');
    if (this.isAway) throw unavailable('service unavailable');
    return { resources: rows };
  };

  run(strike: (manager: Manager, restart: () => void) => void = () => {}): void {
    const manager = this.manager();
    manager.server.serveRaw(this.#raw);
    manager.server.serveBehind(foos);
    strike(manager, () => this.run(strike));
    void startNamespaceController({ concurrency: 2, resources: builtInResources('list', 'delete') }, manager.context);
  }

  async fill(): Promise<void> {
    // Of this server it is the finalizer of metadata that keeps a namespace while it ends.
    await this.user.create(namespaces, { metadata: { name: 'a', finalizers: ['test/keep'] } });
    for (const [namespace, name] of [
      ['a', 'x'],
      ['a', 'y'],
      ['b', 'z'],
    ] as const)
      this.store.put('foos.fake.test', `${namespace}/${name}`, { kind: 'Foo', metadata: { namespace, name, uid: name } });
    await this.user.delete(namespaces, { name: 'a' });
  }

  /** The foos that are left, and the namespace until this controller lets go of it. */
  left(): string[] {
    const held = this.list<Namespace>(namespaces).filter(({ spec }) => spec?.finalizers?.includes('kubernetes'));
    return [...this.list<KubeObject>(foos), ...held].map(({ metadata }) => metadata?.name ?? '');
  }
}

test('what a server behind the API server has in the namespace goes with it', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new Ending();
    world.run(strike);
    await world.fill();
    await world.settle();
    expect({ label, left: world.left() }).toEqual({ label, left: ['z'] });
  });
  expect(writes).toBeGreaterThanOrEqual(2);
});

test('while such a server does not answer the namespace stays, and says so', async () => {
  const world = new Ending();
  world.isAway = true;
  world.run();
  await world.fill();
  await world.clock.advanceAsync(60_000);
  expect(world.left()).toEqual(['x', 'y', 'z', 'a']);
  const { status } = await world.user.get(namespaces, { name: 'a' });
  expect(status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'True',
      message:
        'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: fake.test/v1: stale GroupVersion discovery: fake.test/v1',
    }),
  );
  world.isAway = false;
  await world.clock.advanceAsync(60_000);
  expect(world.left()).toEqual(['z']);
});
