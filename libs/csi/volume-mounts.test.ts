// Folders and mounts as they are, in a mount namespace of the test's own.
import { fileURLToPath } from 'node:url';
import { mayMount, playScene } from '@drydock/foundation/beneath/testing/scenes.ts';
import { expect, test } from 'vitest';

const forReal = test.skipIf(!mayMount());
const play = (scene: string) => playScene(fileURLToPath(new URL('./testing/mounts.ts', import.meta.url)), scene);

forReal('a volume is published, read-only too, and goes with its data kept (needs root and mount namespaces)', async () => {
  expect(await play('lifecycle')).toEqual({
    written: 'written',
    inUse: 'volume ID is in use: it is mounted at /pods/uid/mount',
    counts: true,
    readOnly: ['EROFS', 'read-only', 'written'],
    after: [false, 'x', []],
  });
});

forReal('what a container puts into its volume leads nobody out of it (needs root and mount namespaces)', async () => {
  expect(await play('removal')).toEqual({
    kept: expect.stringContaining('/mounted is a mount point'),
    gone: true,
    outside: 'keep',
  });
});

forReal('what is not the volume is neither taken for it nor taken off (needs root and mount namespaces)', async () => {
  expect(await play('other')).toEqual({
    mounted: 'something else is mounted at /pods/uid/mount',
    link: expect.stringContaining('is not a directory, or a link'),
    unpublished: expect.stringContaining('ENOTDIR'),
    outside: true,
  });
});
