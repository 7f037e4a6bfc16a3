// Scenes with real mounts, for a process in a mount namespace of its own: `unshare -m node real.ts SCENE FOLDER`. Prints JSON.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { watchedCalls } from '@drydock/foundation/beneath/testing/attacker.ts';
import { execFileSync } from '@drydock/foundation/child-process.ts';
import { hostMounter } from '../mounter.ts';
import { bindSubPath } from '../sub-path.ts';
import { listing } from './listing.ts';
import { contextOf, everyKind, makeVolumes, podWith, uid } from './pods.ts';

const [, , scene = '', folder = ''] = process.argv;
const root = `${folder}/root dir`;
const mounter = hostMounter();
const pod = podWith({ volumes: [...everyKind], securityContext: { fsGroup: 7, runAsUser: 5 } });

function mounts(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.filter((line) => line.includes(folder.replaceAll(' ', '\\040')));
}

const scenes: Readonly<Record<string, () => Promise<unknown>>> = {
  memory: async () => {
    const volumes = makeVolumes(root, mounter);
    const paths = await volumes.prepare(contextOf(pod));
    await volumes.prepare(contextOf(pod, { a: '9', b: '3' }));
    const kinds = mounts().map((line) => /~(\S+) .* - (\S+) .*?(size=\d+k?)/.exec(line)?.slice(1).join(' '));
    const tops = [...paths].flatMap(([name, { path }]) =>
      listing(path)
        .slice(0, 1)
        .map((line) => `${name} ${line}`),
    );
    const token = listing(paths.get('token')?.path ?? '').find((line) => line.includes('/token f'));
    await volumes.remove(uid);
    return { kinds: kinds.sort(), tops, token, left: mounts().length, gone: !existsSync(`${root}/pods/${uid}`) };
  },
  /** Killed at each call, with mounts that outlive it. */
  killed: async () => {
    const few = podWith({
      volumes: everyKind.filter(({ name }) => ['memory', 'secret'].includes(name)),
      securityContext: { fsGroup: 7 },
    });
    let calls = 0;
    const count = watchedCalls(() => calls++);
    await makeVolumes(root, mounter, count).prepare(contextOf(few));
    const expected = JSON.stringify([listing(`${root}/pods`), mounts().length]);
    await makeVolumes(root, mounter).remove(uid);
    const wrong: string[] = [];
    for (let at = 0; at < calls; at++) {
      const dies = (call: number): void => {
        if (call >= at) throw Object.assign(new Error('killed'), { code: 'EIO' });
      };
      await makeVolumes(root, mounter, watchedCalls(dies))
        .prepare(contextOf(few))
        .catch(() => {});
      await makeVolumes(root, mounter).prepare(contextOf(few));
      const found = JSON.stringify([listing(`${root}/pods`), mounts().length]);
      if (found !== expected) wrong.push(`${at}: ${found} instead of ${expected}`);
      await makeVolumes(root, mounter, watchedCalls(dies))
        .remove(uid)
        .catch(() => {});
      await makeVolumes(root, mounter).remove(uid);
      if (mounts().length > 0 || existsSync(`${root}/pods/${uid}`)) wrong.push(`${at}: not removed`);
    }
    return { wrong, enough: calls > 20 };
  },
  /** A key of a config map, mounted by itself, before and after the map has changed. */
  subPath: async () => {
    const volumes = makeVolumes(root, mounter);
    const said: string[] = [];
    for (const data of [{ a: 'one' }, { a: 'one' }, { a: 'two' }, { a: 'three' }]) {
      const paths = await volumes.prepare(contextOf(podWith({ volumes: [{ name: 'map', configMap: { name: 'map' } }] }), data));
      const names = { uid, volumeName: 'map', container: 'c', index: 0 };
      const path = await bindSubPath(volumes.folders, mounter, {
        ...names,
        volume: paths.get('map')?.path ?? '',
        subPath: 'a',
      });
      said.push(`${readFileSync(path, 'utf8')} ${mounts().length}`);
      // What an engine does with it: of a file that is gone there is nothing to mount.
      writeFileSync(`${folder}/engine`, '');
      execFileSync('mount', ['--bind', path, `${folder}/engine`]);
      execFileSync('umount', [`${folder}/engine`]);
    }
    await volumes.remove(uid);
    return { said, left: mounts().length };
  },
  /** What a container with the right to has mounted into its volume: the host's own folder, on the same device. */
  foreign: async () => {
    mkdirSync(`${folder}/host`);
    writeFileSync(`${folder}/host/file`, '');
    const volumes = makeVolumes(root, mounter);
    const paths = await volumes.prepare(contextOf(pod));
    const inside = `${paths.get('disk')?.path}/with space`;
    mkdirSync(inside);
    execFileSync('mount', ['--bind', `${folder}/host`, inside]);
    await volumes.remove(uid);
    return { kept: existsSync(`${folder}/host/file`), left: mounts().length, gone: !existsSync(`${root}/pods/${uid}`) };
  },
};

const answer = await scenes[scene]?.();
rmSync(root, { recursive: true, force: true });
process.stdout.write(JSON.stringify(answer));
