// A driver on a real socket, from its registration to the objects of its node, and away again.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { CSINode, Node } from '@drydock/api/generated/types.ts';
import { csiNodes, nodes } from '@drydock/api/resource.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { PluginRegistrar } from '../../plugins/registrar.ts';
import { socketOpener } from '../../plugins/socket-client.ts';
import { pluginSockets } from '../../plugins/sockets.ts';
import { CsiNodeKeeper } from './csi-node.ts';
import { CsiDrivers } from './drivers.ts';
import { type FakeDriver, fakeDriver } from './testing/fake-driver.ts';

async function world() {
  const folder = mkdtempSync(`${tmpdir()}/csi-`);
  const registry = `${folder}/plugins_registry`;
  mkdirSync(registry);
  const clock = new VirtualClock();
  const api = new MemoryApi({ clock, random: new SeededRandom('csi') });
  await api.create<Node>(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', labels: { l: '1' } } });
  const csiNode = new CsiNodeKeeper({ client: api, clock, log: silentLog, nodeName: 'n' });
  const open = socketOpener(() => Date.now());
  const drivers = new CsiDrivers({ open, csiNode });
  const sockets = () => pluginSockets(registry);
  const registrar = new PluginRegistrar({ sockets, open, clock, log: silentLog, handlers: { CSIPlugin: drivers } });
  const running: FakeDriver[] = [];
  onTestFinished(() => {
    for (const each of running) each.stop();
    rmSync(folder, { recursive: true });
  });
  /** Looks, with time passing, until `check` holds. */
  const until = (check: () => void | Promise<void>) =>
    vi.waitFor(
      async () => {
        clock.advance(1_000);
        await registrar.look();
        await check();
      },
      { timeout: 2_500, interval: 10 },
    );
  const driver = async (name: string, file = `${name}.sock`) => {
    const made = await fakeDriver(`${registry}/${file}`, name);
    running.push(made);
    return made;
  };
  const object = () => api.get<CSINode>(csiNodes, { name: 'n' });
  return {
    registry,
    clock,
    api,
    csiNode,
    drivers,
    registrar,
    until,
    driver,
    object,
    node: () => api.get<Node>(nodes, { name: 'n' }),
  };
}

test('a driver that registers is noted on its node, and taken off when its socket is gone', async () => {
  const { csiNode, drivers, until, driver, object, node, registry } = await world();
  await csiNode.present(new AbortController().signal);
  expect((await object()).spec.drivers).toEqual([]);
  expect((await object()).metadata?.ownerReferences).toMatchObject([
    { apiVersion: 'v1', kind: 'Node', name: 'n', uid: (await node()).metadata?.uid },
  ]);
  const made = await driver('d.test');
  await until(() => expect(made.told).toEqual([{ plugin_registered: true, error: '' }]));
  expect((await object()).spec.drivers).toEqual([
    { name: 'd.test', nodeID: 'id-1', topologyKeys: ['topology.test/zone'], allocatable: { count: 5 } },
  ]);
  const { labels, annotations } = (await node()).metadata ?? {};
  expect(labels).toEqual({ l: '1', 'topology.test/zone': 'a' });
  expect(annotations).toEqual({ 'csi.volume.kubernetes.io/nodeid': '{"d.test":"id-1"}' });
  expect(drivers.endpoint('d.test')).toBe(`${registry}/d.test.sock`);
  made.stop();
  await until(async () => expect((await object()).spec.drivers).toEqual([]));
  await until(async () => expect((await node()).metadata?.annotations ?? {}).toEqual({}));
  expect(() => drivers.endpoint('d.test')).toThrow('driver name d.test not found in the list of registered CSI drivers');
  const again = await driver('d.test');
  await until(() => expect(again.told).toEqual([{ plugin_registered: true, error: '' }]));
  expect((await object()).spec.drivers).toHaveLength(1);
});

test('a driver that hangs holds up no other', async () => {
  const { until, driver, object } = await world();
  (await driver('a.test')).node = undefined;
  await driver('b.test');
  await until(async () => expect((await object()).spec.drivers.map(({ name }) => name)).toEqual(['b.test']));
});

test('who is refused is told why, and asked again', async () => {
  const { until, driver, object } = await world();
  const cases: [object, RegExp][] = [
    [{ type: 'Other' }, /^RegisterPlugin error -- no handler registered for plugin type: Other at socket /],
    [
      { supported_versions: [] },
      /^RegisterPlugin error -- plugin validation failed with err: .* Plugin returned an empty list for supported versions$/,
    ],
    [{ supported_versions: ['0.3.0', '2.0'] }, /None of the versions specified \["0.3.0" "2.0"\] are supported/],
    [{ name: '../up' }, /not the name of a CSI driver/],
  ];
  const made = await driver('d.test');
  const good = made.info;
  for (const [change, text] of cases) {
    made.info = { ...good, ...change };
    await until(() => expect(made.told.at(-1)?.error).toMatch(text));
  }
  made.info = good;
  await until(() => expect(made.told.at(-1)).toEqual({ plugin_registered: true, error: '' }));
  expect((await object()).spec.drivers).toHaveLength(1);
});

test('a label that is there with another value refuses the driver', async () => {
  const { until, driver, api } = await world();
  await api.patch(nodes, { name: 'n' }, { type: 'merge', body: { metadata: { labels: { 'topology.test/zone': 'b' } } } });
  const made = await driver('d.test');
  const text = 'driver reported "topology.test/zone":"a" but existing label is "topology.test/zone":"b"';
  await until(() => expect(made.told.at(-1)?.error).toContain(text));
});

test('only sockets are plugins: no link, no file, no hidden name', async () => {
  const { registry, driver } = await world();
  await driver('d.test');
  mkdirSync(`${registry}/in`);
  await driver('e.test', 'in/e.sock');
  await driver('h.test', '.hidden');
  writeFileSync(`${registry}/file`, '');
  symlinkSync(`${registry}/d.test.sock`, `${registry}/link`);
  const found = (await pluginSockets(registry)).map(({ path }) => path.slice(registry.length + 1));
  expect(found).toEqual(['d.test.sock', 'in/e.sock']);
});

test('a write that fails is tried again, and loses no other driver', async () => {
  const { until, driver, object, api } = await world();
  let failures = 6;
  api.injectFault((verb) => {
    if (verb === 'update' && failures-- > 0) throw new Error('conflict');
  });
  await driver('a.test');
  await driver('b.test');
  await until(async () => expect((await object()).spec.drivers.map(({ name }) => name).sort()).toEqual(['a.test', 'b.test']));
});

test('a second socket by the name of a driver is refused, unless it serves a higher version', async () => {
  const { until, driver, drivers, object, registry } = await world();
  const first = await driver('d.test', 'a.sock');
  await until(() => expect(first.told.at(-1)?.plugin_registered).toBe(true));
  const second = await driver('d.test', 'b.sock');
  const text = 'Another driver with the same name is already registered with a higher supported version: "1.0.0"';
  await until(() => expect(second.told.at(-1)?.error).toContain(text));
  expect(drivers.endpoint('d.test')).toBe(`${registry}/a.sock`);
  second.info = { ...second.info, supported_versions: ['1.1.0'] };
  await until(() => expect(drivers.endpoint('d.test')).toBe(`${registry}/b.sock`));
  // Whose place was taken may go; whose was not, serves again when the other goes.
  second.stop();
  await until(() => expect(drivers.endpoint('d.test')).toBe(`${registry}/a.sock`));
  expect((await object()).spec.drivers).toHaveLength(1);
});
