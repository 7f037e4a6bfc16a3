import { fileURLToPath } from 'node:url';
import { mayMount, playScene } from '@drydock/foundation/beneath/testing/scenes.ts';
import { expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 300_000 });

const forReal = test.skipIf(!mayMount());
const play = (scene: string) => playScene(fileURLToPath(new URL('./testing/real.ts', import.meta.url)), scene);

forReal('what is secret lies in memory, within the limits; all is unmounted (needs root and mount namespaces)', async () => {
  expect(await play('memory')).toEqual({
    kinds: [
      'downward-api/labels tmpfs size=1048576k',
      'empty-dir/memory tmpfs size=64k',
      'projected/token tmpfs size=1048576k',
      'secret/secret tmpfs size=1048576k',
    ],
    tops: [
      'disk / d 2777 0:7',
      'memory / d 3777 0:7',
      'map / d 2777 0:7',
      'map-items / d 2777 0:7',
      'secret / d 3777 0:7',
      'labels / d 3777 0:7',
      'token / d 3777 0:7',
    ],
    token: '/..SET/token f 640 5:7 token',
    left: 0,
    gone: true,
  });
});

forReal('killed at any call, with mounts that stay, it converges (needs root and mount namespaces)', async () => {
  expect(await play('killed')).toEqual({ wrong: [], enough: true });
});

forReal(
  'a key of a config map mounted by itself follows the map when it is mounted again (needs root and mount namespaces)',
  async () => {
    expect(await play('subPath')).toEqual({ said: ['one 1', 'one 1', 'two 1', 'three 1'], left: 0 });
  },
);

forReal("a container's own mount of a host folder is undone, not emptied (needs root and mount namespaces)", async () => {
  expect(await play('foreign')).toEqual({ kept: true, left: 0, gone: true });
});
