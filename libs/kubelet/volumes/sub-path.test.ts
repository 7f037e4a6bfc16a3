import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { checkSubPath, makeSubPath } from './sub-path.ts';

function scratch(): string {
  const folder = mkdtempSync(`${tmpdir()}/drydock-volume-`);
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('makes what is missing and stays inside', async () => {
  const volume = scratch();
  expect(await makeSubPath(volume, 'a/b')).toBe(`${volume}/a/b`);
  expect(statSync(`${volume}/a/b`).isDirectory()).toBe(true);
  writeFileSync(`${volume}/file`, '');
  expect(await makeSubPath(volume, 'file')).toBe(`${volume}/file`);
  symlinkSync('a', `${volume}/inside`);
  expect(await makeSubPath(volume, 'inside/b')).toBe(`${volume}/a/b`);
});

test.each(['link', 'link/more', 'up'])('a link that leads out is refused: %s', async (subPath) => {
  const folder = scratch();
  mkdirSync(`${folder}/volume`);
  mkdirSync(`${folder}/volume-2`);
  symlinkSync('/etc', `${folder}/volume/link`);
  symlinkSync('../volume-2', `${folder}/volume/up`);
  await expect(makeSubPath(`${folder}/volume`, subPath)).rejects.toThrow('leads out of its volume');
});

test.each(['/etc', '..', 'a/../b'])('refused before anything is made: %s', (subPath) => {
  expect(() => checkSubPath(subPath)).toThrow('subPath');
});
