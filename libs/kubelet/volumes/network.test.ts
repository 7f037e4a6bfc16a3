// Volumes of other machines: what is asked of mount(8), once, and what an event says where it fails.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Directory } from '@drydock/foundation/beneath/directory.ts';
import { mountNetwork } from '@drydock/foundation/beneath/mounting.ts';
import { expect, onTestFinished, test } from 'vitest';
import { hollowMounter, type Mounter } from './mounter.ts';
import { inlineNetwork, persistentNetwork } from './network.ts';
import { contextOf, makeVolumes, podWith, uid } from './testing/pods.ts';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-network-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('nfs: its source and options', () => {
  expect(inlineNetwork({ name: 'v', emptyDir: {} })).toBeUndefined();
  expect(inlineNetwork({ name: 'v', nfs: { server: 'files', path: '/a', readOnly: true } })).toEqual({
    plugin: 'nfs',
    name: 'v',
    readOnly: true,
    mount: { type: 'nfs', source: 'files:/a', options: ['ro'] },
  });
  const nfs = { server: 'fd00::1', path: '/a' };
  const volume = { metadata: { name: 'pv' }, spec: { nfs, mountOptions: ['hard', 'nfsvers=4.1'] } };
  expect(persistentNetwork(volume, false)).toEqual({
    plugin: 'nfs',
    name: 'pv',
    readOnly: false,
    mount: { type: 'nfs', source: '[fd00::1]:/a', options: ['hard', 'nfsvers=4.1'] },
  });
  expect(persistentNetwork(volume, true)?.mount.options).toEqual(['ro', 'hard', 'nfsvers=4.1']);
});

test('what cannot be mounted leaves a folder that is tried again, and goes with the pod', async () => {
  const root = scratch();
  const asked: string[] = [];
  const mounter: Mounter = {
    ...hollowMounter,
    mounts: true,
    network: async (directory, { source }) => {
      asked.push(`${source} ${directory.path.slice(root.length)}`);
      throw new Error('mount failed: exit status 32');
    },
  };
  const volumes = makeVolumes(root, mounter);
  const context = contextOf(podWith({ volumes: [{ name: 'v', nfs: { server: 's', path: '/' } }] }));
  for (let tries = 0; tries < 2; tries++)
    await expect(volumes.prepare(context)).rejects.toThrow(
      'MountVolume.SetUp failed for volume "v" : mount failed: exit status 32',
    );
  expect(asked).toEqual(Array(2).fill(`s:/ /pods/${uid}/volumes/kubernetes.io~nfs/v`));
  await volumes.remove(uid);
  expect(await volumes.pods()).toEqual([]);
});

test.skipIf(process.platform !== 'linux')('the words of mount(8), with the path that is meant', async () => {
  const folder = scratch();
  await using directory = await Directory.open(folder);
  const mounted = mountNetwork(directory, { type: 'no-such', source: 's:/', options: ['ro', 'hard'] }, undefined);
  const error = await mounted.then(
    () => '',
    (cause: Error) => cause.message,
  );
  const lines = error.split('\n');
  expect(lines[0]).toMatch(/^mount failed: exit status \d+$/);
  expect(lines.slice(1, 3)).toEqual(['Mounting command: mount', `Mounting arguments: -t no-such -o ro,hard s:/ ${folder}`]);
  expect(lines[3]).toMatch(new RegExp(`^Output: mount: ${folder}: `));
});

test.skipIf(process.platform !== 'linux')('a source that looks like an option is none', async () => {
  const folder = scratch();
  // What a container could have written into a volume of its own: read as an fstab, it would mount what it names.
  mkdirSync(join(folder, 'a:'));
  writeFileSync(join(folder, 'a:', 'b'), '/no-such-device /proc/self/fd/3 none bind 0 0\n');
  mkdirSync(join(folder, 'target'));
  await using directory = await Directory.open(join(folder, 'target'));
  const network = inlineNetwork({ name: 'v', nfs: { server: `--fstab=${folder}/a`, path: '/b' } });
  if (network === undefined) throw new Error('it is no network volume');
  const mounted = mountNetwork(directory, { ...network.mount, type: 'no-such' }, undefined);
  const error = await mounted.then(
    () => '',
    (cause: Error) => cause.message,
  );
  expect(error).toContain(`Mounting arguments: -t no-such --fstab=${folder}/a:/b ${folder}/target`);
  expect(error).not.toContain('/no-such-device');
});
