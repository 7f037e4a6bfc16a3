import { fileURLToPath } from 'node:url';
import { mayMount, playScene } from '@drydock/foundation/beneath/testing/scenes.ts';
import { expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 120_000 });

const forReal = test.skipIf(!mayMount());
const play = (scene: string) => playScene(fileURLToPath(new URL('./testing/mounts.ts', import.meta.url)), scene);

forReal('mounts of others in what a pod has mounted outlive the pod (needs root and mount namespaces)', async () => {
  expect(await play('shared')).toEqual({ seen: true, kept: true, left: [] });
});

forReal(
  'what is still mounted is not removed at a reboot, and the refusal names it (needs root and mount namespaces)',
  async () => {
    expect(await play('locked')).toEqual({ said: 'LabError: /state/rootfs: something is mounted there', kept: true });
  },
);
