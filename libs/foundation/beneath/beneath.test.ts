import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { execFileSync } from '../child-process.ts';
import { type FileCalls, nodeCalls } from './calls.ts';
import { Directory } from './directory.ts';
import { removeTree, removeTreeIn } from './remove.ts';
import { resolveBeneath } from './resolve.ts';
import { endOfFile } from './tail.ts';
import { besiege, makeWorld, type Operation, type World } from './testing/attacker.ts';

vi.setConfig({ testTimeout: 120_000 });

const attributes = { mode: 0o2775 };

function world(): World {
  const made = makeWorld();
  onTestFinished(() => made.remove());
  return made;
}

function tree({ inside }: World): void {
  mkdirSync(`${inside}/a/b`, { recursive: true });
  for (const path of ['a/file', 'a/b/file']) writeFileSync(join(inside, path), 'x');
  symlinkSync('..', `${inside}/a/b/up`);
}

const empty = (): void => {};
const secret = 'keep';

const operations: Readonly<Record<string, Operation & { readonly victims: readonly string[] }>> = {
  'makes directories with attributes': {
    prepare: empty,
    victims: ['a', 'a/b'],
    work: async ({ inside }, calls) => {
      await using root = await Directory.open(inside, calls);
      await using a = await root.make('a', attributes);
      await using _ = await a.create('b', attributes);
    },
  },
  'writes a new file': {
    prepare: ({ inside }) => mkdirSync(`${inside}/a`),
    victims: ['a', 'a/file'],
    work: async ({ inside }, calls) => {
      await using root = await Directory.open(inside, calls);
      await using a = await root.enter('a');
      await a.createFile('file', Buffer.from('new'), { mode: 0o666, uid: process.getuid?.() ?? 0 });
    },
  },
  'writes over a file': {
    prepare: tree,
    victims: ['a', 'a/file'],
    work: async ({ inside }, calls) => {
      await using root = await Directory.open(inside, calls);
      await using a = await root.enter('a');
      await a.overwriteFile('file', Buffer.from('new'), 0o666);
    },
  },
  'reads a file': {
    prepare: tree,
    victims: ['a', 'a/file'],
    work: async ({ inside }, calls) => {
      await using root = await Directory.open(inside, calls);
      await using a = await root.enter('a');
      const text = (await a.readFile('file', 100)).toString();
      // A hard link is another name of the same file: who could make it could read it.
      if (text === secret && statSync(`${inside}/a/file`).nlink === 1) throw new Error('read what is outside');
    },
  },
  'exchanges a link': {
    prepare: ({ inside }) => {
      mkdirSync(`${inside}/a/old`, { recursive: true });
      symlinkSync('old', `${inside}/a/..data`);
    },
    victims: ['a', 'a/..data', 'a/..data_tmp'],
    work: async ({ inside }, calls) => {
      await using root = await Directory.open(inside, calls);
      await using a = await root.enter('a');
      await removeTree(a, '..data_tmp');
      await a.link('..data_tmp', 'new');
      await a.rename('..data_tmp', '..data');
    },
  },
  'removes a tree': {
    prepare: tree,
    victims: ['a', 'a/b', 'a/b/file', 'a/b/up'],
    work: ({ inside }, calls) =>
      Directory.open(inside, calls).then((root) => removeTree(root, 'a').finally(() => root.close())),
  },
  'makes what a path names': {
    prepare: tree,
    victims: ['a/b', 'a/b/up', 'a/b/new'],
    work: async ({ inside }, calls) => {
      await using root = await Directory.open(inside, calls);
      await using _ = await resolveBeneath(root, 'a/b/up/b/new/newer', true);
    },
  },
};

test.each(Object.entries(operations))(
  'nobody leads outside what %s',
  async (_, operation) => {
    const { runs, damage } = await besiege(operation, operation.victims);
    expect(damage).toEqual([]);
    expect(runs).toBeGreaterThan(10);
  },
  60_000,
);

test('the attacker is one: who removes by path is led outside', async () => {
  const byPath = async (folder: string, calls: FileCalls): Promise<void> => {
    for await (const entry of await calls.opendir(folder))
      if (entry.isDirectory()) await byPath(join(folder, entry.name), calls);
      else await calls.unlink(join(folder, entry.name));
    await calls.rmdir(folder);
  };
  const work = ({ inside }: World, calls: FileCalls) => byPath(`${inside}/a`, calls);
  const { damage } = await besiege({ prepare: tree, work }, ['a/b']);
  expect(damage.join('\n')).toContain('a/b becomes link to a directory outside: outside is now');
}, 300_000);

test('a tree of any depth is removed with few descriptors, names of any bytes with it', async () => {
  const { inside } = world();
  await using root = await Directory.open(inside);
  let at = await root.make('deep');
  for (let depth = 0; depth < 150; depth++) {
    await at.createFile(Buffer.from([0xff, 0xfe, (depth & 0x3f) | 0x80]), Buffer.alloc(1), { mode: 0 });
    const next = await at.make('..removing-1');
    await at.close();
    at = next;
  }
  await at.close();
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, descriptors());
  }, 1);
  await removeTree(root, 'deep').finally(() => clearInterval(timer));
  expect(readdirSync(inside)).toEqual([]);
  expect(most - before).toBeLessThan(80);
}, 300_000);

test('what is not there is removed already', async () => {
  const { inside } = world();
  await removeTreeIn(inside, 'nothing');
  await removeTreeIn(`${inside}/nowhere`, 'nothing');
});

test.each(['', '.', '..', 'a/b', '/etc', 'a\0b'])('only plain names are taken, not %j', async (name) => {
  const { inside } = world();
  await using root = await Directory.open(inside);
  await expect(root.enter(name)).rejects.toMatchObject({ code: 'name' });
  await expect(removeTree(root, name)).rejects.toMatchObject({ code: 'name' });
});

test('what is no plain file is neither read nor written', async () => {
  const { inside, outside } = world();
  symlinkSync(`${outside}/file`, `${inside}/link`);
  mkdirSync(`${inside}/folder`);
  await using root = await Directory.open(inside);
  for (const name of ['link', 'folder']) {
    await expect(root.readFile(name, 10)).rejects.toThrow(/is a link|is not a file/);
    await expect(root.overwriteFile(name, Buffer.alloc(0), 0o644)).rejects.toThrow(/is a link|is not a file/);
    expect(endOfFile(`${inside}/${name}`, 10)).toBeUndefined();
  }
  await root.createFile('long', Buffer.from('0123456789'), { mode: 0o600 });
  await expect(root.readFile('long', 9)).rejects.toThrow('larger than 9 bytes');
  expect(endOfFile(`${inside}/long`, 3)?.toString()).toBe('789');
});

test('what is no plain file is not opened to see so: to some devices that alone is a command', async () => {
  const { inside } = world();
  const pipe = `${inside}/pipe`;
  execFileSync('mkfifo', [pipe]);
  const isOpened = () => {
    try {
      // Nobody writes into a pipe that nobody has opened.
      closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
      return true;
    } catch {
      return false;
    }
  };
  const seen: boolean[] = [];
  const open: FileCalls['open'] = async (...args) => {
    const handle = await nodeCalls.open(...args);
    seen.push(isOpened());
    return handle;
  };
  await using root = await Directory.open(inside, { ...nodeCalls, open });
  await expect(root.openFile('pipe')).rejects.toMatchObject({ code: 'kind' });
  await expect(root.readFile('pipe', 10)).rejects.toMatchObject({ code: 'kind' });
  expect(seen.length).toBeGreaterThan(1);
  expect(seen).not.toContain(true);
});

test('modes are as given, whatever the umask', async () => {
  const { inside } = world();
  await using root = await Directory.open(inside);
  await using _ = await root.make('open', { mode: 0o3777 });
  await root.createFile('file', Buffer.from('x'), { mode: 0o666 });
  await root.overwriteFile('other', Buffer.from('y'), 0o666);
  const modeOf = (name: string) => (statSync(`${inside}/${name}`).mode & 0o7777).toString(8);
  expect(['open', 'file', 'other'].map(modeOf)).toEqual(['3777', '666', '666']);
  expect(readFileSync(`${inside}/other`, 'utf8')).toBe('y');
});

test.each([
  ['a/b', 'a/b'],
  ['./a//b/', 'a/b'],
  ['inner/file', 'a/b/file'],
  ['a/b/up/file', 'a/file'],
])('a path leads where it should: %s', async (path, expected) => {
  const made = world();
  tree(made);
  symlinkSync('a/b', `${made.inside}/inner`);
  await using root = await Directory.open(made.inside);
  await using found = await resolveBeneath(root, path, true);
  expect((await found.stat()).ino).toBe(statSync(join(made.inside, expected)).ino);
});

test.each(['out', 'out/more', 'up', 'round', '../outside', 'a/../..'])('a path that leads out is refused: %s', async (path) => {
  const { inside, outside } = world();
  mkdirSync(`${inside}/a`);
  symlinkSync(outside, `${inside}/out`);
  symlinkSync('../outside', `${inside}/up`);
  symlinkSync('round', `${inside}/round`);
  await using root = await Directory.open(inside);
  await expect(resolveBeneath(root, path, true)).rejects.toMatchObject({ code: 'link' });
});

test('missing directories take the mode of the one they are made in', async () => {
  const { inside } = world();
  await using top = await Directory.open(inside);
  await using root = await top.make('volume', { mode: 0o3777 });
  await using _ = await resolveBeneath(root, 'x/y', true);
  const modes = ['x', 'x/y'].map((name) => (statSync(`${inside}/volume/${name}`).mode & 0o7777).toString(8));
  expect(modes).toEqual(['3777', '3777']);
  await expect(resolveBeneath(root, 'z', false)).rejects.toMatchObject({ code: 'ENOENT' });
});
