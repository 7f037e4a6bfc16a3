// Scenes with real mounts, for a process in a mount namespace of its own: `unshare -m node mounts.ts SCENE FOLDER`. Prints JSON.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { execFileSync } from '@drydock/foundation/child-process.ts';
import { mountPointsBelow } from '@drydock/foundation/mount-table.ts';
import { clearAsReboot, unmountBelow } from '../mounts.ts';

const [, , scene = '', folder = ''] = process.argv;
const theirs = `${folder}/disk/part/theirs`;
const workers = `${folder}/disk/workers`;
const state = `${folder}/state`;
const mount = (...args: string[]) => execFileSync('mount', args);
const kept = () => existsSync(`${theirs}/file`);

const scenes: Readonly<Record<string, () => Promise<unknown>>> = {
  /** A pod has a part of a shared disk mounted; later somebody mounts something in that part. */
  shared: async () => {
    mount('-t', 'tmpfs', 'tmpfs', `${folder}/disk`);
    mount('--make-shared', `${folder}/disk`);
    for (const each of [theirs, `${workers}/pod`]) mkdirSync(each, { recursive: true });
    mount('--bind', `${folder}/disk/part`, `${workers}/pod`);
    mount('-t', 'tmpfs', 'tmpfs', theirs);
    writeFileSync(`${theirs}/file`, '');
    const seen = existsSync(`${workers}/pod/theirs/file`);
    await unmountBelow([workers]);
    return { seen, kept: kept(), left: mountPointsBelow(workers) };
  },
  /** Mounts that an inner namespace inherits are locked: they cannot be undone there. */
  locked: async () => {
    for (const each of [theirs, `${state}/rootfs`, workers]) mkdirSync(each, { recursive: true });
    writeFileSync(`${theirs}/file`, '');
    mount('--bind', theirs, `${state}/rootfs`);
    const inner = ['--user', '--map-root-user', '--mount', process.execPath, process.argv[1] ?? '', 'inner', folder];
    return JSON.parse(execFileSync('unshare', inner, { encoding: 'utf8' }));
  },
  inner: async () => {
    const said = await clearAsReboot(workers, state).then(
      () => 'done',
      (error: Error) => `${error.name}: ${error.message.replaceAll(folder, '')}`,
    );
    return { said, kept: kept() };
  },
};

if (scene !== 'inner') mkdirSync(`${folder}/disk`);
process.stdout.write(JSON.stringify(await scenes[scene]?.()));
