// Volumes that come to nodes and leave them, on a world with a server, a driver's attacher and kubelets, whatever befalls the
// controllers. Names, messages and what a node's status says are those of the original, asked with the same objects.
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '@drydock/api/generated/types.ts';
import {
  csiDrivers,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttachments,
} from '@drydock/api/resource.ts';
import { attachmentName } from '@drydock/api/storage/attachments.ts';
import { expect, test } from 'vitest';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { attachWaitMs, planAttachments } from './attachment-plan.ts';
import { startAttachDetachController } from './controller.ts';
import { type DetachSettings, unmountWaitMs } from './detachable.ts';

const driver = 'x.example.com';
const held = `external-attacher/x-example-com`;
const nameOnNode = (volume: string): string => `kubernetes.io/csi/${driver}^h-${volume}`;

class Attaching extends World {
  /** How often an exclusive volume was on two nodes. */
  twice = 0;
  settings: DetachSettings = { waitsForever: false };

  run(strike: (manager: Manager, restart: () => void) => void = () => {}): Manager {
    const manager = this.manager();
    strike(manager, () => this.run(strike));
    void startAttachDetachController(this.settings, manager.context);
    return manager;
  }

  async node(name: string, metadata: Node['metadata'] = {}): Promise<void> {
    const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
    const made = await this.user.create<Node>(nodes, { metadata: { annotations, ...metadata, name } });
    await this.status(made, { conditions: [{ type: 'Ready', status: 'True' }] });
  }

  async status(node: Node, status: Node['status']): Promise<void> {
    await this.user.update<Node>(nodes, { ...node, status: { ...node.status, ...status } }, { subresource: 'status' });
  }

  /** A volume `vNAME` bound to a claim `NAME`. */
  async volume(
    name: string,
    spec: PersistentVolume['spec'] = {},
    status: PersistentVolumeClaim['status'] = { phase: 'Bound' },
  ) {
    const claim = await this.user.create<PersistentVolumeClaim>(persistentVolumeClaims, {
      metadata: { namespace: 'a', name },
      spec: { volumeName: `v${name}`, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    await this.user.update<PersistentVolumeClaim>(persistentVolumeClaims, { ...claim, status }, { subresource: 'status' });
    await this.user.create<PersistentVolume>(persistentVolumes, {
      metadata: { name: `v${name}` },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: { driver, volumeHandle: `h-v${name}` },
        claimRef: { namespace: 'a', name, uid: claim.metadata?.uid },
        ...spec,
      },
    });
  }

  async pod(name: string, node: string, claim: string, namespace = 'a'): Promise<void> {
    await this.user.create<Pod>(pods, {
      metadata: { namespace, name },
      spec: {
        nodeName: node,
        containers: [{ name: 'c', image: 'i' }],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: claim } }],
      },
    });
  }

  async remove(pod: string): Promise<void> {
    await this.user.delete(pods, { namespace: 'a', name: pod }, { gracePeriodSeconds: 0 });
  }

  /** What the driver's attacher does, once. */
  async attacher(): Promise<void> {
    const all = this.list<VolumeAttachment>(volumeAttachments);
    const byHandle = Map.groupBy(all, ({ spec }) => spec.source.persistentVolumeName);
    for (const [, each] of byHandle) if (each.length > 1) this.twice++;
    for (const attachment of all) {
      const { deletionTimestamp, finalizers = [] } = attachment.metadata ?? {};
      const change = (finalizers: string[]) => ({ ...attachment, metadata: { ...attachment.metadata, finalizers } });
      if (deletionTimestamp !== undefined) await this.user.update(volumeAttachments, change([]));
      else if (!finalizers.includes(held)) await this.user.update(volumeAttachments, change([held]));
      else if (attachment.status?.attached !== true)
        await this.user.update(volumeAttachments, { ...attachment, status: { attached: true } }, { subresource: 'status' });
    }
  }

  /** Time passes, with the attacher at work. */
  async pass(ms: number, stepMs = 1_000): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      await this.clock.advanceAsync(Math.min(stepMs, left));
      await this.attacher();
    }
    await this.clock.advanceAsync(stepMs);
  }

  get(node: string): Promise<Node> {
    return this.user.get<Node>(nodes, { name: node });
  }

  async reported(node: string): Promise<string[] | undefined> {
    return (await this.get(node)).status?.volumesAttached?.map(({ name }) => name);
  }

  places(): string[] {
    return this.list<VolumeAttachment>(volumeAttachments).map(
      ({ spec, metadata }) =>
        `${spec.source.persistentVolumeName} ${spec.nodeName}${metadata?.deletionTimestamp ? ' leaves' : ''}`,
    );
  }

  said(pod: string): string[] {
    return this.events.filter(({ about }) => about.name === pod).map(({ reason, message }) => `${reason}: ${message}`);
  }
}

test('names are those of the original', () => {
  expect(attachmentName({ driver, handle: 'h-va' }, 'n1')).toBe(
    'csi-b0d7f72880d6c3ccb7c6c6a2324b20f077bf20a187abb8c40ff6a413a572afa2',
  );
});

test('a volume comes with its pod and leaves with it, whatever befalls any write', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new Attaching();
    world.run(strike);
    await world.node('n1');
    await world.volume('a');
    await world.pod('p', 'n1', 'a');
    await world.pass(300_000, 10_000);
    expect({
      label,
      places: world.places(),
      reported: await world.reported('n1'),
      said: [...new Set(world.said('p'))],
    }).toEqual({
      label,
      places: ['va n1'],
      reported: [nameOnNode('va')],
      said: expect.arrayContaining(['SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "va" ']),
    });
    await world.remove('p');
    await world.pass(300_000, 10_000);
    expect({ label, places: world.places(), reported: await world.reported('n1') }).toEqual({
      label,
      places: [],
      reported: undefined,
    });
  });
  // The attachment and the status, and both again.
  expect(writes).toBe(4);
});

test('what is asked of the attacher', async () => {
  const world = new Attaching();
  world.run();
  await world.node('n1');
  await world.volume('a');
  await world.pod('p', 'n1', 'a');
  await world.clock.advanceAsync(1_000);
  const [attachment] = world.list<VolumeAttachment>(volumeAttachments);
  expect([attachment?.metadata?.name, attachment?.spec, attachment?.status]).toEqual([
    attachmentName({ driver, handle: 'h-va' }, 'n1'),
    { attacher: driver, nodeName: 'n1', source: { persistentVolumeName: 'va' } },
    { attached: false },
  ]);
  expect([await world.reported('n1'), world.said('p')]).toEqual([undefined, []]);
});

test('a volume for one node moves: never on two, its next pod is told once, whatever befalls any write', async () => {
  await withEveryMishap(async (strike, label) => {
    const world = new Attaching();
    world.run(strike);
    await world.node('n1');
    await world.node('n2');
    await world.volume('a');
    await world.pod('p1', 'n1', 'a');
    await world.pass(200_000, 20_000);
    await world.pod('p2', 'n2', 'a');
    await world.pass(100_000, 20_000);
    expect({ label, places: world.places(), told: [...new Set(world.said('p2'))] }).toEqual({
      label,
      places: ['va n1'],
      told: ['FailedAttachVolume: Multi-Attach error for volume "va" Volume is already used by pod(s) p1'],
    });
    await world.remove('p1');
    await world.pass(300_000, 20_000);
    expect({ label, places: world.places(), on1: await world.reported('n1'), on2: await world.reported('n2') }).toEqual({
      label,
      places: ['va n2'],
      on1: undefined,
      on2: [nameOnNode('va')],
    });
    expect({ label, twice: world.twice }).toEqual({ label, twice: 0 });
  });
});

test('two managers at the same time, pods that come and go: a volume for one node is never on two', async () => {
  const world = new Attaching();
  world.run();
  world.run();
  for (const name of ['n1', 'n2', 'n3']) await world.node(name);
  await world.volume('a');
  for (let round = 0; round < 12; round++) {
    await world.pod(`p${round}`, `n${1 + (round % 3)}`, 'a');
    await world.pod(`q${round}`, `n${1 + ((round + 1) % 3)}`, 'a');
    await world.pass(5_000);
    await world.remove(`p${round}`);
    if (round % 2 === 0) await world.pass(3_000);
    await world.remove(`q${round}`);
  }
  await world.pass(200_000, 10_000);
  expect([world.twice, world.places()]).toEqual([0, []]);
});

test('where others are in another namespace, or gone, no name is told', async () => {
  const world = new Attaching();
  world.run();
  for (const name of ['n1', 'n2', 'n3']) await world.node(name);
  await world.volume('a');
  await world.pod('p1', 'n1', 'a');
  await world.pass(3_000);
  await world.status(await world.get('n1'), { volumesInUse: [nameOnNode('va')] });
  await world.remove('p1');
  await world.clock.advanceAsync(1_000);
  await world.pod('p2', 'n2', 'a');
  await world.clock.advanceAsync(60_000);
  expect(world.said('p2')).toEqual([
    `FailedAttachVolume: Multi-Attach error for volume "va" Volume is already exclusively attached to one node and can't be attached to another`,
  ]);
});

test.each([
  ['many may write', { accessModes: ['ReadWriteMany'] }, ['va n1', 'va n2']],
  ['many may read', { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }, ['va n1', 'va n2']],
  ['one pod', { accessModes: ['ReadWriteOncePod'] }, ['va n1']],
])('a volume for several nodes: %s', async (_, spec, places) => {
  const world = new Attaching();
  world.run();
  await world.node('n1');
  await world.node('n2');
  await world.volume('a', spec);
  await world.pod('p1', 'n1', 'a');
  await world.pass(2_000);
  await world.pod('p2', 'n2', 'a');
  await world.pass(2_000);
  expect(world.places().sort()).toEqual(places);
});

test('what is not attached: no part that attaches, a kubelet that does it, a claim that is not bound, a volume of a pod', async () => {
  const world = new Attaching();
  world.run();
  await world.user.create(csiDrivers, { metadata: { name: 'plain.example.com' }, spec: { attachRequired: false } });
  await world.node('n1');
  await world.node('old', { annotations: {} });
  await world.volume('plain', { csi: { driver: 'plain.example.com', volumeHandle: 'h' } });
  await world.volume('kubelet');
  await world.volume('unbound', {}, { phase: 'Pending' });
  await world.volume('other', { claimRef: { namespace: 'a', name: 'other', uid: 'of-another' } });
  await world.volume('files', { csi: undefined, hostPath: { path: '/x' } });
  for (const claim of ['plain', 'unbound', 'other', 'files']) await world.pod(`p-${claim}`, 'n1', claim);
  await world.pod('p-kubelet', 'old', 'kubelet');
  await world.user.create<Pod>(pods, {
    metadata: { namespace: 'a', name: 'inline' },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], volumes: [{ name: 'v', csi: { driver } }] },
  });
  await world.pass(3_000);
  expect([world.places(), world.events, await world.reported('n1')]).toEqual([[], [], undefined]);
  await world.user.update(nodes, {
    metadata: {
      ...(await world.get('old')).metadata,
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': '' },
    },
  });
  await world.pass(3_000);
  expect(world.places()).toEqual(['vkubelet old']);
});

test('a claim of a volume of its own: only if it was made for that pod', async () => {
  const world = new Attaching();
  world.run();
  await world.node('n1');
  await world.volume('p-v');
  const pod = await world.user.create<Pod>(pods, {
    metadata: { namespace: 'a', name: 'p' },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: {} } } }],
    },
  });
  await world.pass(2_000);
  expect(world.places()).toEqual([]);
  const key = { namespace: 'a', name: 'p-v' };
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: pod.metadata?.uid, controller: true };
  const body = { metadata: { ownerReferences: [owner] } };
  await world.user.patch(persistentVolumeClaims, key, { type: 'merge', body });
  await world.pass(2_000);
  expect(world.places()).toEqual(['vp-v n1']);
});

async function leftInUse(settings: DetachSettings = { waitsForever: false }): Promise<Attaching> {
  const world = new Attaching();
  world.settings = settings;
  world.run();
  await world.node('n1');
  await world.volume('a');
  await world.pod('p', 'n1', 'a');
  await world.pass(3_000);
  await world.status(await world.get('n1'), { volumesInUse: [nameOnNode('va')] });
  await world.remove('p');
  await world.pass(60_000, 20_000);
  expect([world.places(), await world.reported('n1')]).toEqual([['va n1'], [nameOnNode('va')]]);
  return world;
}

const notReady: Node['status'] = { conditions: [{ type: 'Ready', status: 'Unknown' }] };

test('a volume that its node has not let go of stays, and leaves once it has', async () => {
  const world = await leftInUse();
  await world.pass(2 * unmountWaitMs, 60_000);
  expect(world.places()).toEqual(['va n1']);
  await world.status(await world.get('n1'), { volumesInUse: [] });
  await world.pass(5_000);
  expect([world.places(), await world.reported('n1')]).toEqual([[], undefined]);
});

test('a node that is not ready is waited for, for six minutes; not by a setting, then for ever', async () => {
  const world = await leftInUse();
  await world.status(await world.get('n1'), notReady);
  await world.pass(unmountWaitMs - 120_000, 20_000);
  expect(world.places()).toEqual(['va n1']);
  await world.pass(120_000, 20_000);
  expect([world.places(), await world.reported('n1')]).toEqual([[], undefined]);
  const waiting = await leftInUse({ waitsForever: true });
  await waiting.status(await waiting.get('n1'), notReady);
  await waiting.pass(3 * unmountWaitMs, 60_000);
  expect(waiting.places()).toEqual(['va n1']);
});

test('a node that is out of service is not waited for', async () => {
  const world = await leftInUse({ waitsForever: true });
  const taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }];
  await world.user.update(nodes, { ...(await world.get('n1')), spec: { taints } });
  await world.pass(5_000);
  expect([world.places(), await world.reported('n1')]).toEqual([[], undefined]);
});

test('a node that is gone while it used a volume is waited for, too: its machine may run on', async () => {
  const world = await leftInUse();
  await world.user.delete(nodes, { name: 'n1' });
  await world.pass(unmountWaitMs - 120_000, 20_000);
  expect(world.places()).toEqual(['va n1']);
  await world.pass(120_000, 20_000);
  expect(world.places()).toEqual([]);
  const waiting = await leftInUse({ waitsForever: true });
  await waiting.user.delete(nodes, { name: 'n1' });
  await waiting.pass(3 * unmountWaitMs, 60_000);
  expect(waiting.places()).toEqual(['va n1']);
});

test('a node that has let go of a volume may go: the volume leaves at once', () => {
  const volume = { driver, handle: 'h-va' };
  const attachment: VolumeAttachment = {
    metadata: { name: attachmentName(volume, 'n1') },
    spec: { attacher: driver, nodeName: 'n1', source: { persistentVolumeName: 'va' } },
    status: { attached: true },
  };
  const view = { volume, attachRequired: true, users: [], attachments: [attachment] };
  const settings = { waitsForever: false };
  const told = { metadata: { name: 'n1' }, status: { volumesAttached: [{ name: nameOnNode('va'), devicePath: '' }] } };
  const before = planAttachments({ ...view, nodeOf: () => told }, new Map(), 0, settings);
  expect([before.steps, before.tell]).toEqual([[], ['n1']]);
  const after = planAttachments({ ...view, nodeOf: () => undefined }, before.memory, 1_000, settings);
  expect(after.steps.map(({ action }) => action.verb)).toEqual(['delete']);
});

test('a node that begins to use a volume while a cache does not show it keeps it', async () => {
  const world = new Attaching();
  const manager = world.run();
  await world.node('n1');
  await world.volume('a');
  await world.pod('p', 'n1', 'a');
  await world.pass(3_000);
  // The pod is gone; the kubelet, which has not heard of it, says that it uses the volume just before it is taken away.
  manager.network.fate = (call) => {
    if (call.verb === 'get' && call.resource.resource === 'nodes') {
      manager.network.fate = () => ({});
      void world.get('n1').then((node) => world.status(node, { volumesInUse: [nameOnNode('va')] }));
      return { requestMs: 100 };
    }
    return {};
  };
  await world.remove('p');
  await world.pass(30_000);
  expect(world.places()).toEqual(['va n1']);
});

test('a failure is told, again and again but ever less often, and no more once it is attached', async () => {
  const world = new Attaching();
  world.run();
  await world.node('n1');
  await world.volume('a');
  await world.pod('p', 'n1', 'a');
  await world.clock.advanceAsync(1_000);
  const [attachment] = world.list<VolumeAttachment>(volumeAttachments);
  if (attachment === undefined) throw new Error('no attachment');
  const message = 'rpc error: code = Internal desc = boom';
  const status = { attached: false, attachError: { message, time: '2026-01-01T00:00:00Z' } };
  await world.user.update(volumeAttachments, { ...attachment, status }, { subresource: 'status' });
  await world.clock.advanceAsync(600_000);
  expect(new Set(world.said('p'))).toEqual(
    new Set([`FailedAttachVolume: AttachVolume.Attach failed for volume "va" : ${message}`]),
  );
  expect(world.said('p').length).toBeGreaterThan(5);
  expect(world.said('p').length).toBeLessThan(15);
  await world.pass(5_000);
  expect(world.said('p').at(-1)).toBe('SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "va" ');
});

test('an attacher that does not answer is told of after two minutes', async () => {
  const world = new Attaching();
  world.run();
  await world.node('n1');
  await world.volume('a');
  await world.pod('p', 'n1', 'a');
  await world.clock.advanceAsync(attachWaitMs - 2_000);
  expect(world.said('p')).toEqual([]);
  await world.clock.advanceAsync(4_000);
  expect(world.said('p')[0]).toBe(
    'FailedAttachVolume: AttachVolume.Attach failed for volume "va" : timed out waiting for external-attacher of x.example.com CSI driver to attach volume h-va',
  );
});

test('what the apiserver says against an attachment is told', async () => {
  const world = new Attaching();
  const manager = world.run();
  const { apiError } = await import('@drydock/api/status.ts');
  manager.network.fate = ({ verb }) => (verb === 'create' ? { error: apiError('Forbidden', 'a webhook says no') } : {});
  await world.node('n1');
  await world.volume('a');
  await world.pod('p', 'n1', 'a');
  await world.clock.advanceAsync(1_000);
  expect(world.said('p')[0]).toBe('FailedAttachVolume: AttachVolume.Attach failed for volume "va" : a webhook says no');
});

test("attachments that others made are nobody's business, and those of volumes that are gone are ended", async () => {
  const world = new Attaching();
  await world.node('n1');
  await world.volume('a');
  const attachment = (name: string, persistentVolumeName: string): VolumeAttachment => ({
    metadata: { name },
    spec: { attacher: driver, nodeName: 'n1', source: { persistentVolumeName } },
    status: { attached: false },
  });
  await world.user.create(volumeAttachments, attachment('mine', 'va'));
  await world.user.create(volumeAttachments, attachment('mine-too', 'absent'));
  await world.user.create(volumeAttachments, attachment(attachmentName({ driver, handle: 'gone' }, 'n1'), 'vgone'));
  await world.user.create(volumeAttachments, attachment(attachmentName({ driver, handle: 'h-va' }, 'n1'), 'va'));
  world.run();
  await world.clock.advanceAsync(5_000);
  expect(world.list(volumeAttachments).map(({ metadata }) => metadata?.name)).toEqual(['mine', 'mine-too']);
});

test('after a restart: what is attached stays with its pods, what nobody uses leaves, what others wrote of a node stays', async () => {
  const world = new Attaching();
  const first = world.run();
  await world.node('n1');
  for (const name of ['a', 'b']) {
    await world.volume(name);
    await world.pod(`p${name}`, 'n1', name);
  }
  await world.pass(5_000);
  first.crash();
  const node = await world.get('n1');
  const others = { name: 'kubernetes.io/iscsi/other', devicePath: '' };
  const stale = { name: nameOnNode('vanished'), devicePath: '' };
  await world.status(node, { volumesAttached: [others, ...(node.status?.volumesAttached ?? []), stale] });
  await world.remove('pb');
  const second = world.run();
  await world.pass(5_000);
  expect([world.places(), await world.reported('n1')]).toEqual([['va n1'], [others.name, nameOnNode('va')]]);
  expect(second.writes.sort()).toEqual(['delete volumeattachments', 'patch nodes/status']);
  const { revision } = world.store;
  await world.clock.advanceAsync(600_000);
  expect(world.store.revision).toBe(revision);
});
