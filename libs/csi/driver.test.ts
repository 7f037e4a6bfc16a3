// The driver at its socket. The first part is the list of csi-sanity for what the driver says that it can do, in its order; mounts are
// remembered.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '@drydock/foundation/log.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDriver, registrationService } from './driver.ts';
import { SocketServer } from './socket-server.ts';
import { type Message, type TestClient, testClient } from './testing/client.ts';
import { MemoryMachine } from './testing/memory-folders.ts';
import { VolumeStore } from './volume-store.ts';

const gib = 1024 ** 3;
const folder = mkdtempSync(join(tmpdir(), 'csi-'));
const socket = join(folder, 'csi.sock');
const machine = new MemoryMachine();
const told: string[] = [];
let servers: SocketServer[];
let identity: TestClient;
let controller: TestClient;
let node: TestClient;

beforeAll(async () => {
  const { disk, folders, mounts } = machine;
  const store = await VolumeStore.open({ disk, folders, log: silentLog, nodeId: 'n', capacityBytes: 50 * gib });
  const driver = createDriver({ driverName: 'd.test', version: '1.2.3', nodeId: 'n', store, folders, mounts });
  const registration = registrationService('d.test', socket, (why) => told.push(why));
  servers = [
    new SocketServer(socket, driver.services, silentLog),
    new SocketServer(join(folder, 'registry.sock'), [registration], silentLog),
  ];
  // What a process that was killed left.
  writeFileSync(socket, '');
  for (const server of servers) await server.start();
  [identity, controller, node] = ['Identity', 'Controller', 'Node'].map((name) =>
    testClient(socket, 'csi/v1/csi.proto', `csi.v1.${name}`),
  ) as [TestClient, TestClient, TestClient];
});

afterAll(async () => {
  for (const client of [identity, controller, node]) client.close();
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true });
});

const writer = (mode = 'SINGLE_NODE_WRITER') => ({ mount: {}, access_mode: { mode } });
const request = (name: string, more: object = {}) => ({
  name,
  capacity_range: { required_bytes: gib },
  volume_capabilities: [writer()],
  ...more,
});
const create = async (name: string, more: object = {}): Promise<Message> =>
  (await controller.call('CreateVolume', request(name, more))).volume;
const ids = async () => (await controller.call('ListVolumes')).entries.map((entry: Message) => entry.volume.volume_id);
const publish = (id: string, target = '/t/target', more: object = {}) => ({
  volume_id: id,
  target_path: target,
  volume_capability: writer(),
  ...more,
});

test('Identity: capabilities, readiness, name and version', async () => {
  expect(
    (await identity.call('GetPluginCapabilities')).capabilities.map(
      (each: Message) => each.service?.type ?? each.volume_expansion.type,
    ),
  ).toEqual(['CONTROLLER_SERVICE', 'VOLUME_ACCESSIBILITY_CONSTRAINTS', 'ONLINE']);
  expect((await identity.call('Probe')).ready).toEqual({ value: true });
  expect(await identity.call('GetPluginInfo')).toEqual({ name: 'd.test', vendor_version: '1.2.3', manifest: {} });
});

test('Controller: capabilities and capacity', async () => {
  const { capabilities } = await controller.call('ControllerGetCapabilities');
  expect(capabilities.map(({ rpc }: Message) => rpc.type)).toContain('CREATE_DELETE_VOLUME');
  const all = {
    available_capacity: String(50 * gib),
    maximum_volume_size: { value: String(50 * gib) },
    minimum_volume_size: null,
  };
  expect(await controller.call('GetCapacity')).toEqual(all);
  const here = { accessible_topology: { segments: { 'topology.d.test/node': 'n' } } };
  expect(await controller.call('GetCapacity', here)).toEqual(all);
  const elsewhere = { accessible_topology: { segments: { 'topology.d.test/node': 'm' } } };
  expect((await controller.call('GetCapacity', elsewhere)).available_capacity).toBe('0');
  const shared = { volume_capabilities: [writer('MULTI_NODE_MULTI_WRITER')] };
  expect((await controller.call('GetCapacity', shared)).available_capacity).toBe('0');
});

test('ListVolumes: new volumes are there, deleted ones are not, in pages too', async () => {
  expect(await ids()).toEqual([]);
  expect(await controller.codeOf('ListVolumes', { starting_token: 'invalid-token' })).toBe('ABORTED');
  const made = [];
  for (const name of ['a', 'b', 'c']) made.push((await create(name)).volume_id);
  made.sort();
  expect(await ids()).toEqual(made);
  const page = await controller.call('ListVolumes', { max_entries: 2 });
  expect(page.entries.map((entry: Message) => entry.volume.volume_id)).toEqual(made.slice(0, 2));
  // The page goes on where it ended, though its last volume has gone.
  await controller.call('DeleteVolume', { volume_id: made[1] });
  const rest = await controller.call('ListVolumes', { max_entries: 2, starting_token: page.next_token });
  expect(rest.entries.map((entry: Message) => entry.volume.volume_id)).toEqual(made.slice(2));
  expect(rest.next_token).toBe('');
  for (const id of made) await controller.call('DeleteVolume', { volume_id: id });
  expect(await ids()).toEqual([]);
});

test('CreateVolume: no name, no capability, any size, the same again, another size, a long name', async () => {
  expect(await controller.codeOf('CreateVolume', request(''))).toBe('INVALID_ARGUMENT');
  expect(await controller.codeOf('CreateVolume', request('v', { volume_capabilities: [] }))).toBe('INVALID_ARGUMENT');
  expect((await create('any', { capacity_range: null })).capacity_bytes).toBe(String(gib));
  const made = await create('v');
  expect(made).toMatchObject({
    capacity_bytes: String(gib),
    volume_id: expect.stringMatching(/^vol-[0-9a-f]{40}$/),
    accessible_topology: [{ segments: { 'topology.d.test/node': 'n' } }],
  });
  expect(await create('v')).toEqual(made);
  expect(await controller.codeOf('CreateVolume', request('v', { capacity_range: { required_bytes: 2 * gib } }))).toBe(
    'ALREADY_EXISTS',
  );
  const long = await create('x'.repeat(128));
  expect(await controller.codeOf('CreateVolume', request('x'.repeat(129)))).toBe('INVALID_ARGUMENT');
  for (const id of [made.volume_id, long.volume_id, (await create('any', { capacity_range: null })).volume_id])
    await controller.call('DeleteVolume', { volume_id: id });
});

test.each<[string, object, string]>([
  ['a block device', { volume_capabilities: [{ block: {}, access_mode: { mode: 'SINGLE_NODE_WRITER' } }] }, 'INVALID_ARGUMENT'],
  ['several nodes', { volume_capabilities: [writer('MULTI_NODE_MULTI_WRITER')] }, 'INVALID_ARGUMENT'],
  ['a file system', { volume_capabilities: [{ ...writer(), mount: { fs_type: 'xfs' } }] }, 'INVALID_ARGUMENT'],
  ['a mount option', { volume_capabilities: [{ ...writer(), mount: { mount_flags: ['noatime'] } }] }, 'INVALID_ARGUMENT'],
  ['a parameter', { parameters: { type: 'fast' } }, 'INVALID_ARGUMENT'],
  ['a parameter of a class of attributes', { mutable_parameters: { iops: '1' } }, 'INVALID_ARGUMENT'],
  ['a content', { volume_content_source: { volume: { volume_id: 'x' } } }, 'INVALID_ARGUMENT'],
  ['no possible size', { capacity_range: { required_bytes: 2, limit_bytes: 1 } }, 'INVALID_ARGUMENT'],
  ['too much', { capacity_range: { required_bytes: 51 * gib } }, 'RESOURCE_EXHAUSTED'],
  [
    'another node',
    { accessibility_requirements: { requisite: [{ segments: { 'topology.d.test/node': 'm' } }] } },
    'RESOURCE_EXHAUSTED',
  ],
])('CreateVolume refuses what it cannot serve: %s', async (_, more, code) => {
  expect(await controller.codeOf('CreateVolume', request('refused', more))).toBe(code);
  expect(await ids()).toEqual([]);
});

test('DeleteVolume: no id, an id of nobody, the same again', async () => {
  expect(await controller.codeOf('DeleteVolume')).toBe('INVALID_ARGUMENT');
  expect(await controller.codeOf('DeleteVolume', { volume_id: '../../etc' })).toBe('OK');
  const { volume_id } = await create('v');
  for (let times = 0; times < 2; times++) expect(await controller.codeOf('DeleteVolume', { volume_id })).toBe('OK');
  expect(machine.contents.size).toBe(0);
});

test('ValidateVolumeCapabilities: no id, no capability, none such, confirmed, not confirmed', async () => {
  const method = 'ValidateVolumeCapabilities';
  expect(await controller.codeOf(method, { volume_capabilities: [writer()] })).toBe('INVALID_ARGUMENT');
  expect(await controller.codeOf(method, { volume_id: 'some-id', volume_capabilities: [writer()] })).toBe('NOT_FOUND');
  const { volume_id } = await create('v');
  expect(await controller.codeOf(method, { volume_id })).toBe('INVALID_ARGUMENT');
  expect(
    (await controller.call(method, { volume_id, volume_capabilities: [writer()] })).confirmed.volume_capabilities,
  ).toHaveLength(1);
  const refused = await controller.call(method, { volume_id, volume_capabilities: [writer('MULTI_NODE_MULTI_WRITER')] });
  expect(refused).toMatchObject({
    confirmed: null,
    message: 'access mode MULTI_NODE_MULTI_WRITER is not supported: a volume of this driver is on one node',
  });
  await controller.call('DeleteVolume', { volume_id });
});

test('ControllerExpandVolume: no id, no range, none such, larger', async () => {
  const method = 'ControllerExpandVolume';
  const capacity_range = { required_bytes: 2 * gib };
  expect(await controller.codeOf(method, { capacity_range })).toBe('INVALID_ARGUMENT');
  expect(await controller.codeOf(method, { volume_id: 'none', capacity_range })).toBe('NOT_FOUND');
  const { volume_id } = await create('v');
  expect(await controller.codeOf(method, { volume_id })).toBe('INVALID_ARGUMENT');
  expect(await controller.call(method, { volume_id, capacity_range })).toEqual({
    capacity_bytes: String(2 * gib),
    node_expansion_required: false,
  });
  await controller.call('DeleteVolume', { volume_id });
});

test('what the driver does not say that it can do is not implemented', async () => {
  for (const method of ['ControllerPublishVolume', 'ControllerGetVolume', 'ControllerModifyVolume'])
    expect(await controller.codeOf(method, { volume_id: 'v' })).toBe('UNIMPLEMENTED');
  for (const method of ['NodeStageVolume', 'NodeExpandVolume'])
    expect(await node.codeOf(method, { volume_id: 'v' })).toBe('UNIMPLEMENTED');
});

test('Node: capabilities and the node', async () => {
  const { capabilities } = await node.call('NodeGetCapabilities');
  expect(capabilities.map(({ rpc }: Message) => rpc.type)).toEqual(['GET_VOLUME_STATS', 'SINGLE_NODE_MULTI_WRITER']);
  expect(await node.call('NodeGetInfo')).toEqual({
    node_id: 'n',
    max_volumes_per_node: '0',
    accessible_topology: { segments: { 'topology.d.test/node': 'n' } },
  });
});

test('NodePublishVolume and NodeUnpublishVolume: no id, no path, no capability, none such, twice', async () => {
  expect(await node.codeOf('NodePublishVolume')).toBe('INVALID_ARGUMENT');
  expect(await node.codeOf('NodePublishVolume', { volume_id: 'id' })).toBe('INVALID_ARGUMENT');
  expect(await node.codeOf('NodePublishVolume', { volume_id: 'id', target_path: '/t/x' })).toBe('INVALID_ARGUMENT');
  expect(await node.codeOf('NodePublishVolume', publish('id', 'relative'))).toBe('INVALID_ARGUMENT');
  expect(await node.codeOf('NodePublishVolume', publish('id'))).toBe('NOT_FOUND');
  expect(await node.codeOf('NodeUnpublishVolume')).toBe('INVALID_ARGUMENT');
  expect(await node.codeOf('NodeUnpublishVolume', { volume_id: 'id' })).toBe('INVALID_ARGUMENT');
  const { volume_id } = await create('v');
  for (let times = 0; times < 2; times++) await node.call('NodePublishVolume', publish(volume_id));
  expect([...machine.mounted]).toEqual([['/t/target', { id: volume_id, isReadOnly: false }]]);
  expect(await controller.codeOf('DeleteVolume', { volume_id })).toBe('FAILED_PRECONDITION');
  for (let times = 0; times < 2; times++) await node.call('NodeUnpublishVolume', { volume_id, target_path: '/t/target' });
  expect(machine.mounted.size).toBe(0);
  await controller.call('DeleteVolume', { volume_id });
});

test('a volume for one pod is published once; others as often as it is asked', async () => {
  const alone = { volume_capability: writer('SINGLE_NODE_SINGLE_WRITER') };
  const { volume_id } = await create('v');
  await node.call('NodePublishVolume', publish(volume_id, '/t/a', alone));
  await node.call('NodePublishVolume', publish(volume_id, '/t/a', alone));
  expect(await node.codeOf('NodePublishVolume', publish(volume_id, '/t/b', alone))).toBe('FAILED_PRECONDITION');
  await node.call('NodePublishVolume', publish(volume_id, '/t/b'));
  for (const target_path of ['/t/a', '/t/b']) await node.call('NodeUnpublishVolume', { volume_id, target_path });
  await controller.call('DeleteVolume', { volume_id });
});

test('who wants it read-only gets it so, also where a mount was left that is not', async () => {
  const { volume_id } = await create('v');
  const reader = { volume_capability: writer('SINGLE_NODE_READER_ONLY') };
  for (const more of [{ readonly: true }, reader]) {
    machine.mounted.set('/t/target', { id: volume_id, isReadOnly: false });
    await node.call('NodePublishVolume', publish(volume_id, '/t/target', more));
    expect(machine.mounted.get('/t/target')).toEqual({ id: volume_id, isReadOnly: true });
  }
  machine.mounted.set('/t/target', { id: 'another', isReadOnly: false });
  expect(await node.codeOf('NodePublishVolume', publish(volume_id))).toBe('FAILED_PRECONDITION');
  machine.mounted.clear();
  await controller.call('DeleteVolume', { volume_id });
});

test('NodeGetVolumeStats: no id, no path, none such, not there, figures', async () => {
  const method = 'NodeGetVolumeStats';
  expect(await node.codeOf(method, { volume_path: 'some/path' })).toBe('INVALID_ARGUMENT');
  expect(await node.codeOf(method, { volume_id: 'id', volume_path: 'some/path' })).toBe('NOT_FOUND');
  const { volume_id } = await create('v');
  expect(await node.codeOf(method, { volume_id })).toBe('INVALID_ARGUMENT');
  await node.call('NodePublishVolume', publish(volume_id));
  for (const volume_path of ['some/path', '/t/other'])
    expect(await node.codeOf(method, { volume_id, volume_path })).toBe('NOT_FOUND');
  expect((await node.call(method, { volume_id, volume_path: '/t/target' })).usage).toEqual([
    { unit: 'BYTES', available: '3', total: '4', used: '1' },
    { unit: 'INODES', available: '30', total: '40', used: '10' },
  ]);
  await node.call('NodeUnpublishVolume', { volume_id, target_path: '/t/target' });
  await controller.call('DeleteVolume', { volume_id });
});

test("a pod's own volume comes with the mount and goes with it, whatever call fails in between", async () => {
  const id = 'csi-0123';
  const context = { 'csi.storage.k8s.io/ephemeral': 'true', 'csi.storage.k8s.io/pod.name': 'p', sizeBytes: String(gib) };
  const given = publish(id, '/t/target', { volume_context: context });
  expect(await node.codeOf('NodePublishVolume', publish(id, '/t/target', { volume_context: { ...context, other: '1' } }))).toBe(
    'INVALID_ARGUMENT',
  );
  const unpublish = () => node.call('NodeUnpublishVolume', { volume_id: id, target_path: '/t/target' });
  const present = () => [machine.contents.size, machine.mounted.size];
  machine.calls = 0;
  await node.call('NodePublishVolume', given);
  expect(present()).toEqual([1, 1]);
  await unpublish();
  const { calls } = machine;
  for (let call = 0; call < calls; call++)
    for (const isDone of [false, true]) {
      machine.calls = 0;
      machine.mishap = { call, isDone };
      const outcome = await node.codeOf('NodePublishVolume', given);
      if (outcome === 'OK') await unpublish().catch(() => {});
      machine.mishap = undefined;
      // As the kubelet does: what failed is asked again.
      if (outcome !== 'OK') await node.call('NodePublishVolume', given);
      if (outcome !== 'OK') expect(present()).toEqual([1, 1]);
      await unpublish();
      expect(present()).toEqual([0, 0]);
    }
});

test("a volume that was made for a claim is no pod's own, though it is called by the name that it was made by", async () => {
  const { volume_id } = await create('pvc-1');
  machine.contents.get(volume_id)?.push('data');
  const context = { 'csi.storage.k8s.io/ephemeral': 'true' };
  expect(await node.codeOf('NodePublishVolume', publish('pvc-1'))).toBe('NOT_FOUND');
  expect(await node.codeOf('NodePublishVolume', publish('pvc-1', '/t/target', { volume_context: context }))).toBe(
    'ALREADY_EXISTS',
  );
  await node.call('NodeUnpublishVolume', { volume_id: 'pvc-1', target_path: '/t/target' });
  expect(machine.contents.get(volume_id)).toEqual(['data']);
  await controller.call('DeleteVolume', { volume_id });
});

test("the removal of a pod's own large volume holds up no other pod", async () => {
  const own = { volume_context: { 'csi.storage.k8s.io/ephemeral': 'true' } };
  const { volume_id } = await create('v');
  await node.call('NodePublishVolume', publish('csi-1', '/t/own', own));
  let go = (): void => {};
  machine.removal = new Promise((resolve) => {
    go = resolve;
  });
  const removing = node.call('NodeUnpublishVolume', { volume_id: 'csi-1', target_path: '/t/own' });
  await node.call('NodePublishVolume', publish(volume_id));
  await node.call('NodeUnpublishVolume', { volume_id, target_path: '/t/target' });
  go();
  await removing;
  await controller.call('DeleteVolume', { volume_id });
  expect([machine.contents.size, machine.mounted.size]).toEqual([0, 0]);
});

test('what is being mounted is not deleted meanwhile, and the other way round', async () => {
  for (let turns = 0; turns < 80; turns++) {
    const { disk, folders, mounts, mounted } = new MemoryMachine();
    const store = await VolumeStore.open({ disk, folders, log: silentLog, nodeId: 'n', capacityBytes: 50 * gib });
    const driver = createDriver({ driverName: 'd.test', version: '', nodeId: 'n', store, folders, mounts });
    const { volume_id } = (await driver.controller.create({ name: 'v', volume_capabilities: [writer()] })).volume;
    const begin = [
      () => driver.node.publish({ volume_id, target_path: '/t', volume_capability: writer() }),
      () => driver.controller.delete({ volume_id }),
    ];
    // The second comes when the first has got so far.
    if (turns % 2 === 1) begin.reverse();
    const first = begin[0]?.();
    for (let turn = 0; turn < turns >> 1; turn++) await Promise.resolve();
    const outcomes = await Promise.allSettled([first, begin[1]?.()]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect([mounted.size, store.list().length]).toEqual(mounted.size === 1 ? [1, 1] : [0, 0]);
  }
});

test('the kubelet is told who it is, and the driver why it is not taken', async () => {
  const plugin = testClient(
    join(folder, 'registry.sock'),
    'pluginregistration/v1/api.proto',
    'pluginregistration.Registration',
  );
  expect(await plugin.call('GetInfo')).toEqual({
    type: 'CSIPlugin',
    name: 'd.test',
    endpoint: socket,
    supported_versions: ['1.0.0'],
  });
  await plugin.call('NotifyRegistrationStatus', { plugin_registered: true, error: '' });
  await plugin.call('NotifyRegistrationStatus', { plugin_registered: false, error: 'why' });
  expect(told).toEqual(['why']);
  plugin.close();
});

test('the socket is for root alone, and for one process', async () => {
  expect((statSync(socket).mode & 0o777).toString(8)).toBe('600');
  await expect(new SocketServer(socket, [], silentLog).start()).rejects.toThrow(`${socket} is served by another process`);
  expect(await identity.codeOf('Probe')).toBe('OK');
});
