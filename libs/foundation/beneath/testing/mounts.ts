// Scenes with real mounts, for a process in a mount namespace of its own: `unshare -m node mounts.ts SCENE FOLDER`. Prints JSON.

import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from '../../child-process.ts';
import { Directory } from '../directory.ts';
import { allMounts, mountsBelow } from '../mount-table.ts';
import { bindMount, makeReadOnly, mountTmpfs, unmountAt, unmountBelow } from '../mounting.ts';
import { removeTreeIn } from '../remove.ts';
import { watchedCalls } from './attacker.ts';

const [, , scene = '', folder = ''] = process.argv;
const inside = `${folder}/in side`;
const outside = `${folder}/outside`;

const mount = (...args: string[]) => execFileSync('mount', args);
const said = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: Error) => error.message.replaceAll(folder, ''),
  );

function prepare(): void {
  for (const each of [`${inside}/pod/volume/a`, `${outside}/b`]) mkdirSync(each, { recursive: true });
  for (const each of [`${outside}/file`, `${outside}/b/file`, `${inside}/pod/volume/file`]) writeFileSync(each, 'keep');
}

const kept = () => [`${outside}/file`, `${outside}/b/file`].every(existsSync);

const scenes: Readonly<Record<string, () => Promise<unknown>>> = {
  /** A bind mount of the same device, a file mounted over a file, a tmpfs: none is crossed. */
  removal: async () => {
    const answers: string[] = [];
    for (const kind of ['bind', 'file', 'tmpfs']) {
      const at = `${inside}/pod/volume/${kind}`;
      if (kind === 'file') writeFileSync(at, '');
      else mkdirSync(at);
      if (kind === 'tmpfs') mount('-t', 'tmpfs', 'tmpfs', at);
      else mount('--bind', kind === 'bind' ? outside : `${outside}/file`, at);
      if (kind === 'tmpfs') writeFileSync(`${at}/file`, '');
      answers.push(await said(removeTreeIn(inside, 'pod')));
      if (kind === 'tmpfs') answers.push(`tmpfs kept: ${existsSync(`${at}/file`)}`);
      execFileSync('umount', [at]);
    }
    answers.push(await said(removeTreeIn(inside, 'pod')));
    return { answers, kept: kept(), left: existsSync(`${inside}/pod`) };
  },
  /** Names with everything that the table escapes, mounts in mounts and over each other. */
  unmount: async () => {
    const names = ['a b', 'tab\there', 'line\nhere', 'back\\slash', '\\040', 'ümläut'].map((name) => Buffer.from(name));
    for (const name of [...names, Buffer.from([0xff, 0xfe, 0x20])]) {
      await using volume = await Directory.open(`${inside}/pod/volume`);
      await using made = await volume.make(name);
      await mountTmpfs(made, ['size=65536']);
    }
    mount('--bind', outside, `${inside}/pod/volume/a b`);
    mount('--bind', outside, `${inside}/pod/volume/a b/b`);
    const before = mountsBelow(inside).length;
    await unmountBelow(`${inside}/pod`);
    const left = mountsBelow(inside).length;
    await removeTreeIn(inside, 'pod');
    return { before, left, kept: kept(), gone: !existsSync(`${inside}/pod`) };
  },
  /** A parent of a mount becomes a link to where something else is mounted under the same name. */
  swap: async () => {
    mount('-t', 'tmpfs', 'tmpfs', `${outside}/b`);
    mkdirSync(`${inside}/pod/volume/a/b`);
    mount('--bind', `${inside}/pod`, `${inside}/pod/volume/a/b`);
    const answers = new Set<string>();
    for (let at = 0; at < 8; at++) {
      const swap = (call: number) => {
        if (call !== at) return;
        renameSync(`${inside}/pod/volume/a`, `${inside}/pod/volume/old`);
        symlinkSync(outside, `${inside}/pod/volume/a`);
      };
      answers.add(await said(unmountBelow(`${inside}/pod`, watchedCalls(swap))));
      if (!existsSync(`${inside}/pod/volume/old`)) continue;
      execFileSync('rm', [`${inside}/pod/volume/a`]);
      renameSync(`${inside}/pod/volume/old`, `${inside}/pod/volume/a`);
      if (mountsBelow(inside).length === 0) mount('--bind', `${inside}/pod`, `${inside}/pod/volume/a/b`);
    }
    return { answers: [...answers], kept: mountsBelow(outside).length };
  },
  /** Mounts that an inner namespace inherits are locked: they cannot be undone there. */
  locked: async () => {
    mount('-t', 'tmpfs', 'tmpfs', `${inside}/pod/volume/a`);
    writeFileSync(`${inside}/pod/volume/a/file`, '');
    const inner = ['--user', '--map-root-user', '--mount', process.execPath, process.argv[1] ?? '', 'inner', folder];
    return JSON.parse(execFileSync('unshare', inner, { encoding: 'utf8' }));
  },
  inner: async () => ({ answer: await said(unmountBelow(`${inside}/pod`)), left: existsSync(`${inside}/pod/volume/a/file`) }),
  /** A part of a shared mount is mounted; later somebody mounts something in that part: it is there in both, and goes from one. */
  shared: async () => {
    mount('-t', 'tmpfs', 'tmpfs', outside);
    mount('--make-shared', outside);
    for (const each of ['part/theirs', 'pods/whole', 'pods/single']) mkdirSync(`${outside}/${each}`, { recursive: true });
    for (const each of ['whole', 'single']) mount('--bind', `${outside}/part`, `${outside}/pods/${each}`);
    mount('-t', 'tmpfs', 'tmpfs', `${outside}/part/theirs`);
    writeFileSync(`${outside}/part/theirs/file`, 'keep');
    const kept = () => existsSync(`${outside}/part/theirs/file`);
    const seen = [existsSync(`${outside}/pods/whole/theirs/file`), existsSync(`${outside}/pods/single/theirs/file`)];
    await using pods = await Directory.open(`${outside}/pods`);
    await unmountAt(pods, 'single');
    const keptBySingle = kept();
    await unmountBelow(`${outside}/pods`);
    return { seen, keptBySingle, kept: kept(), left: mountsBelow(`${outside}/pods`).length };
  },
  /** By descriptor, for directories and for files. */
  bind: async () => {
    writeFileSync(`${inside}/target`, '');
    await using from = await Directory.open(outside);
    await using to = await Directory.open(inside);
    for (const [source, target] of [
      ['b', 'pod'],
      ['file', 'target'],
    ] as const) {
      await using opened = await from.reach(source);
      await using over = await to.reach(target);
      await bindMount(opened, over);
    }
    const mounted = [existsSync(`${inside}/pod/file`), mountsBelow(inside).length];
    await using pod = await to.reach('pod');
    await makeReadOnly(pod);
    const readOnly = allMounts().flatMap(({ point, isReadOnly }) => (isReadOnly && point.startsWith(folder) ? [point] : []));
    for (const name of ['pod', 'target']) await unmountAt(to, name);
    const shown = readOnly.map((point) => point.slice(folder.length));
    return { mounted, readOnly: shown, left: mountsBelow(inside).length, kept: kept() };
  },
};

if (scene !== 'inner') prepare();
process.stdout.write(JSON.stringify(await scenes[scene]?.()));
