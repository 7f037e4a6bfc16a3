import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { execFileSync } from './child-process.ts';
import { mountPointsBelow, parseMountPoints } from './mount-table.ts';
import { RemoveTreeError, removeTree } from './remove-tree.ts';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'drydock remove-')));
const outside = join(scratch, 'outside');
const target = join(scratch, 'target');
const root = process.platform === 'linux' && process.getuid?.() === 0;
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeEach(() => {
  mkdirSync(join(outside, 'deep'), { recursive: true });
  writeFileSync(join(outside, 'precious'), 'text');
  writeFileSync(join(outside, 'deep', 'precious'), 'text');
});
const expectOutsideWhole = () => {
  expect(readdirSync(outside, { recursive: true }).sort()).toEqual(['deep', 'deep/precious', 'precious']);
  expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('text');
};

type Tree = { readonly [name: string]: Tree | 'file' | 'link' | 'link to folder' | 'dangling' };
const names = fc.oneof(
  fc.constantFrom('a', '..data', ' ', 'with\nnewline', '-rf', '*', 'é', '\\040'),
  fc.string({ minLength: 1, maxLength: 8 }).filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..'),
);
const { tree } = fc.letrec<{ tree: Tree; node: Tree[string] }>((tie) => ({
  tree: fc.dictionary(names, tie('node'), { maxKeys: 5 }),
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('file' as const, 'link' as const, 'link to folder' as const, 'dangling' as const),
    tie('tree'),
  ),
}));

function build(folder: string, content: Tree): void {
  mkdirSync(folder);
  for (const [name, node] of Object.entries(content)) {
    const path = join(folder, name);
    if (node === 'file') writeFileSync(path, '');
    else if (node === 'link') symlinkSync(join(outside, 'precious'), path);
    else if (node === 'link to folder') symlinkSync(outside, path);
    else if (node === 'dangling') symlinkSync(join(outside, 'nowhere'), path);
    else build(path, node);
  }
}

test('a tree of any names and links goes, and nothing that its links point at', async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (content) => {
      build(target, content);
      await removeTree(target);
      expect(existsSync(target)).toBe(false);
      expectOutsideWhole();
    }),
    { numRuns: 60 },
  );
});

test('names that are no text go too', async () => {
  mkdirSync(target);
  writeFileSync(Buffer.concat([Buffer.from(`${target}/`), Buffer.from([0xff, 0xfe])]), '');
  await removeTree(target);
  expect(existsSync(target)).toBe(false);
});

test('a link is removed, not followed; a missing path is fine', async () => {
  symlinkSync(outside, target);
  await removeTree(target);
  expect(() => lstatSync(target)).toThrow();
  await removeTree(target);
  await removeTree(join(scratch, 'no', 'such'));
  expectOutsideWhole();
});

test('who swaps folders for links while it works leads it nowhere', async () => {
  const inner = join(target, 'inner');
  const aside = join(target, 'aside');
  for (let round = 0; round < 10; round++) {
    mkdirSync(inner, { recursive: true });
    for (let i = 0; i < 20; i++) mkdirSync(join(inner, `f${i}`, 'deep'), { recursive: true });
    const removal = removeTree(target).catch((error: unknown) => error);
    const done = removal.then(() => 'done');
    while ((await Promise.race([done, new Promise((resolve) => setImmediate(resolve, 'turn'))])) !== 'done') {
      try {
        renameSync(inner, aside);
        symlinkSync(outside, inner);
        rmSync(inner);
        renameSync(aside, inner);
      } catch {
        // It was quicker.
      }
    }
    expectOutsideWhole();
    rmSync(target, { recursive: true, force: true });
  }
});

test.skipIf(!root)('a mount below, of another file system or of the same, is refused before anything is gone', async () => {
  const place = join(target, 'a folder', 'mounted here');
  for (const mount of [
    ['-t', 'tmpfs', 'tmpfs', place],
    ['--bind', outside, place],
  ]) {
    mkdirSync(place, { recursive: true });
    writeFileSync(join(target, 'first'), '');
    execFileSync('mount', mount);
    try {
      expect(mountPointsBelow(target)).toEqual([place]);
      await expect(removeTree(target)).rejects.toThrow(RemoveTreeError);
      expect(existsSync(join(target, 'first'))).toBe(true);
      expectOutsideWhole();
    } finally {
      execFileSync('umount', [place]);
    }
    await removeTree(target);
    expect(existsSync(target)).toBe(false);
  }
});

test('escapes of the mount table are undone', () => {
  expect(parseMountPoints('36 35 98:0 /m /mnt/a\\040b\\134c rw - ext4 /dev/x rw\n')).toEqual(['/mnt/a b\\c']);
});

test('a tree that is deeper than there may be open files goes', { timeout: 60_000 }, async () => {
  const script = `
    import { mkdirSync } from 'node:fs';
    import { removeTree } from ${JSON.stringify(join(import.meta.dirname, 'remove-tree.ts'))};
    mkdirSync(${JSON.stringify(target)});
    process.chdir(${JSON.stringify(target)});
    for (let depth = 0; depth < 1000; depth++) {
      mkdirSync('d');
      process.chdir('d');
    }
    process.chdir('/');
    await removeTree(${JSON.stringify(target)});
  `;
  // Node raises the soft limit to the hard one, so it is the hard one that is lowered.
  const limited = 'ulimit -n 256 && exec "$0" "$@"';
  execFileSync('sh', ['-c', limited, process.execPath, '--input-type=module', '--eval', script]);
  expect(existsSync(target)).toBe(false);
});
