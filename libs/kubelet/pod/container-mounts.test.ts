import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Container, Volume, VolumeMount } from '@drydock/api/generated/types.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { hollowMounter } from '../volumes/mounter.ts';
import { bindSubPath } from '../volumes/sub-path.ts';
import { contextOf, everyKind, makeVolumes, podWith, uid } from '../volumes/testing/pods.ts';
import { containerMounts, type Mounts } from './container-mounts.ts';

vi.setConfig({ testTimeout: 120_000 });

function scratch(): string {
  const folder = mkdtempSync(`${tmpdir()}/drydock-mounts-`);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function mountsOf(root: string, volumes: readonly Volume[], volumeMounts: VolumeMount[]): Promise<Mounts> {
  const made = makeVolumes(root, hollowMounter);
  const container: Container = { name: 'c', volumeMounts };
  const pod = podWith({ containers: [container], volumes: [...volumes] });
  return containerMounts({
    pod,
    container,
    attempt: 3,
    folders: made.folders,
    podIps: ['10.0.0.1'],
    clusterDomain: '',
    volumes: await made.prepare(contextOf(pod)),
    env: new Map(),
    subPath: (request) => bindSubPath(made.folders, hollowMounter, request),
  });
}

test('what comes from the API is read-only, also a part of it; the rest as the container asks', async () => {
  const volumeMounts = everyKind.flatMap(({ name }) => [
    { name, mountPath: `/${name}` },
    { name, mountPath: `/${name}-part`, subPath: 'a' },
    { name, mountPath: `/${name}-read`, readOnly: true },
  ]);
  const { mounts } = await mountsOf(scratch(), everyKind, volumeMounts);
  const writable = mounts.filter(({ readonly }) => !readonly).map((mount) => mount.container_path);
  expect(writable).toEqual(['/disk', '/disk-part', '/memory', '/memory-part', '/etc/hosts', '/dev/termination-log']);
});

test('the files of a container: hosts, and the message that anyone in it may write', async () => {
  const root = scratch();
  const { mounts, terminationMessageFile } = await mountsOf(root, [], []);
  expect(mounts.map(({ host_path }) => host_path.slice(root.length))).toEqual([
    `/pods/${uid}/etc-hosts`,
    `/pods/${uid}/containers/c/3.termination`,
  ]);
  expect(statSync(terminationMessageFile).mode & 0o777).toBe(0o666);
  expect(readFileSync(`${root}/pods/${uid}/etc-hosts`, 'utf8')).toContain('10.0.0.1\tp');
});

test('a link in place of one of these files is not written through', async () => {
  const root = scratch();
  const victim = `${root}/victim`;
  writeFileSync(victim, 'keep', { mode: 0o600 });
  for (const file of ['etc-hosts', 'containers/c/3.termination']) {
    rmSync(`${root}/pods`, { recursive: true, force: true });
    mkdirSync(`${root}/pods/${uid}/containers/c`, { recursive: true });
    symlinkSync(victim, `${root}/pods/${uid}/${file}`);
    await expect(mountsOf(root, [], [])).rejects.toThrow('is a link');
  }
  expect(`${readFileSync(victim, 'utf8')} ${(statSync(victim).mode & 0o777).toString(8)}`).toBe('keep 600');
});

test('a mount that must be read-only all the way down is refused: the engine cannot promise it', async () => {
  const mount: VolumeMount = { name: 'disk', mountPath: '/d', readOnly: true, recursiveReadOnly: 'Enabled' };
  await expect(mountsOf(scratch(), everyKind, [mount])).rejects.toThrow('recursive read-only mode');
});

test('a path out of the environment, and one that is not there', async () => {
  const root = scratch();
  const ask = (subPathExpr: string) => mountsOf(root, everyKind, [{ name: 'disk', mountPath: '/d', subPathExpr }]);
  await expect(ask('$(NOPE)')).rejects.toThrow('missing value for "NOPE"');
  await expect(ask('../x')).rejects.toThrow("must not contain '..'");
  await ask('logs/today');
  expect(readdirSync(`${root}/pods/${uid}/volumes/kubernetes.io~empty-dir/disk/logs`)).toEqual(['today']);
});
