import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { parseMountInfo } from './mount-table.ts';
import { mayMount, playScene } from './testing/scenes.ts';

vi.setConfig({ testTimeout: 120_000 });

const forReal = test.skipIf(!mayMount());
const play = (scene: string) => playScene(fileURLToPath(new URL('./testing/mounts.ts', import.meta.url)), scene);

forReal('removal crosses no mount (needs root and mount namespaces)', async () => {
  expect(await play('removal')).toEqual({
    answers: [
      '/in side/pod/volume/bind is a mount point',
      '/in side/pod/volume/file is a mount point',
      '/in side/pod/volume/tmpfs is a mount point',
      'tmpfs kept: true',
      'done',
    ],
    kept: true,
    left: false,
  });
});

forReal('every mount below a folder is undone, whatever its name (needs root and mount namespaces)', async () => {
  expect(await play('unmount')).toEqual({ before: 9, left: 0, kept: true, gone: true });
});

forReal('a link in the way does not lead to mounts of others (needs root and mount namespaces)', async () => {
  const { answers, kept } = (await play('swap')) as { answers: string[]; kept: number };
  expect(kept).toBe(1);
  expect(answers.join()).toContain('still mounted');
});

forReal('a mount that cannot be undone is an error that names it (needs root and mount namespaces)', async () => {
  expect(await play('locked')).toEqual({
    answer: expect.stringMatching(/still mounted: .*\/in side\/pod\/volume\/a \(umount/),
    left: true,
  });
});

forReal(
  'what somebody mounts in a part of a shared mount outlives the mount of that part (needs root and mount namespaces)',
  async () => {
    expect(await play('shared')).toEqual({ seen: [true, true], keptBySingle: true, kept: true, left: 0 });
  },
);

forReal('mounts by descriptor, of folders and of files (needs root and mount namespaces)', async () => {
  expect(await play('bind')).toEqual({ mounted: [true, 2], readOnly: ['/in side/pod'], left: 0, kept: true });
});

test('a line of mountinfo with escaped bytes', () => {
  const text =
    '62 42 0:38 / /mnt/a\\040b\\134c rw,relatime shared:1 - tmpfs t rw\n63 62 8:1 /x /\xc3\xbc ro,noatime - ext4 /dev/vda rw\n';
  expect(parseMountInfo(text)).toEqual([
    { id: 62, point: '/mnt/a b\\c', device: '0:38', root: '/', isReadOnly: false },
    { id: 63, point: '/\xc3\xbc', device: '8:1', root: '/x', isReadOnly: true },
  ]);
});
