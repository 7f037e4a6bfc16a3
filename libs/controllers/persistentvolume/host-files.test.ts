// Files of a volume go, and nothing else does, whatever others made of the way there.
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { removeHostFiles } from './host-files.ts';

const folder = mkdtempSync('/tmp/host-files-');
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a folder with all that is in it, and one that is not there', async () => {
  mkdirSync(join(folder, 'a/b/c'), { recursive: true });
  writeFileSync(join(folder, 'a/b/file'), 'x');
  await removeHostFiles(join(folder, 'a/b'));
  expect([existsSync(join(folder, 'a')), existsSync(join(folder, 'a/b'))]).toEqual([true, false]);
  await removeHostFiles(join(folder, 'never/was'));
});

test('a link in the way is not followed, one at the end is removed itself', async () => {
  const outside = mkdtempSync('/tmp/host-files-outside-');
  try {
    mkdirSync(join(outside, 'data'));
    mkdirSync(folder, { recursive: true });
    symlinkSync(outside, join(folder, 'link'));
    await expect(removeHostFiles(join(folder, 'link/data'))).rejects.toThrow();
    await removeHostFiles(join(folder, 'link'));
    expect([existsSync(join(outside, 'data')), existsSync(join(folder, 'link'))]).toEqual([true, false]);
  } finally {
    rmSync(outside, { recursive: true, force: true });
  }
});

test.each(['/etc/passwd', '/tmp', '/tmp/', '/tmp/a/../../etc', 'tmp/a/..'])('%s is refused', async (path) => {
  await expect(removeHostFiles(path)).rejects.toThrow('is not below /tmp');
});
