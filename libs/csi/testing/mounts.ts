// Scenes with real mounts, for a process in a mount namespace of its own: `unshare -m node mounts.ts SCENE FOLDER`. Prints JSON.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from '@drydock/foundation/child-process.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { NodeDisk } from '@drydock/foundation/node-disk.ts';
import { createDriver } from '../driver.ts';
import { LocalVolumeFolders } from '../volume-folders.ts';
import { LocalVolumeMounts } from '../volume-mounts.ts';
import { VolumeStore } from '../volume-store.ts';

const [, , scene = '', folder = ''] = process.argv;
const volumes = `${folder}/in side/volumes`;
const pod = `${folder}/pods/uid`;
const target = `${pod}/mount`;
const outside = `${folder}/outside`;

for (const each of [volumes, pod, outside]) mkdirSync(each, { recursive: true });
writeFileSync(`${outside}/file`, 'keep');

const folders = new LocalVolumeFolders(volumes);
const mounts = new LocalVolumeMounts(folders);
const disk = new NodeDisk(`${folder}/in side`);
const store = await VolumeStore.open({ disk, folders, log: silentLog, nodeId: 'n', capacityBytes: 1e9 });
const { node, controller } = createDriver({ driverName: 'd', version: '', nodeId: 'n', store, folders, mounts });
const writer = { mount: {}, access_mode: { mode: 'SINGLE_NODE_WRITER' } };
const { volume_id } = (
  await controller.create({ name: 'a', volume_capabilities: [writer], capacity_range: { required_bytes: '1000' } })
).volume;
const own = `${volumes}/${volume_id}`;
const given = { volume_id, target_path: target, volume_capability: writer };
const said = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: Error) => error.message.replaceAll(folder, '').replaceAll(volume_id, 'ID'),
  );
const write = (path: string) => {
  try {
    writeFileSync(path, 'x');
    return 'written';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

const scenes: Readonly<Record<string, () => Promise<unknown>>> = {
  /** There and back, twice each, and what is in it stays. */
  lifecycle: async () => {
    for (let times = 0; times < 2; times++) await node.publish(given);
    const written = write(`${target}/data`);
    const inUse = await said(controller.delete({ volume_id }));
    const stats = (await node.stats({ volume_id, volume_path: target })) as { usage: { total: string }[] };
    await node.publish({ ...given, readonly: true });
    const readOnly = [write(`${target}/data`), await mounts.mountedAt(volume_id, target), write(`${own}/other`)];
    for (let times = 0; times < 2; times++) await node.unpublish(given);
    const after = [existsSync(target), readFileSync(`${own}/data`, 'utf8'), await folders.mountsOf(volume_id)];
    return { written, inUse, counts: stats.usage.every(({ total }) => Number(total) > 0), readOnly, after };
  },
  /** What a container has put into its volume leads nobody out of it, and what is mounted there keeps it. */
  removal: async () => {
    symlinkSync(outside, `${own}/link`);
    mkdirSync(`${own}/deep/er`, { recursive: true });
    mkdirSync(`${own}/mounted`);
    execFileSync('mount', ['--bind', outside, `${own}/mounted`]);
    const kept = await said(controller.delete({ volume_id }));
    execFileSync('umount', [`${own}/mounted`]);
    await controller.delete({ volume_id });
    return { kept, gone: !existsSync(own), outside: readFileSync(`${outside}/file`, 'utf8') };
  },
  /** Something else is where the volume should go, or the place is no folder. */
  other: async () => {
    mkdirSync(target);
    execFileSync('mount', ['--bind', outside, target]);
    const mounted = await said(node.publish(given));
    execFileSync('umount', [target]);
    rmSync(target, { recursive: true });
    symlinkSync(outside, target);
    const link = await said(node.publish(given));
    return { mounted, link, unpublished: await said(node.unpublish(given)), outside: existsSync(`${outside}/file`) };
  },
};

process.stdout.write(JSON.stringify(await scenes[scene]?.()));
