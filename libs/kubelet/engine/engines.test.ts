import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { expect, test } from 'vitest';
import { CriEngine } from './cri-engine.ts';
import { engineSuite, sandboxOf } from './engine-suite.ts';
import { HollowEngine } from './hollow-engine.ts';

const clock = new SystemClock();
engineSuite('hollow', async () => ({
  engine: new HollowEngine(clock),
  image: 'any',
  command: [],
  logDirectory: '',
  cleanUp: async () => {},
}));

/** `unix:///.../containerd.sock` of an engine with the lab's images, such as a worker's of a lab whose kubelet is stopped (it
 * would remove what it does not know). */
const endpoint = process.env.DRYDOCK_CRI_ENDPOINT ?? '';
const busybox = process.env.DRYDOCK_CRI_IMAGE ?? 'docker.io/library/busybox:latest';

engineSuite(
  'CRI',
  async () => {
    const engine = new CriEngine(endpoint, () => clock.wallMs());
    const folder = mkdtempSync(`${tmpdir()}/engine-`);
    const image = await engine.image(busybox);
    if (image === undefined) throw new Error(`the engine has no image ${busybox}; DRYDOCK_CRI_IMAGE names another`);
    return {
      engine,
      image: image.id,
      command: ['/bin/sh', '-c', 'trap exit TERM; while true; do sleep 0.1; done'],
      logDirectory: folder,
      cleanUp: async () => {
        for (const uid of ['uid-life', 'uid-a', 'uid-b', 'uid-end'])
          for (const each of await engine.listSandboxes(uid)) await engine.removeSandbox(each.id);
        engine.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
  endpoint === '' ? 'DRYDOCK_CRI_ENDPOINT names no engine' : undefined,
);

test('hollow: pods get addresses of the range of their node', async () => {
  const engine = new HollowEngine(clock);
  await engine.setPodCidr('10.244.7.0/24');
  const id = await engine.runSandbox(sandboxOf('u', 0, ''));
  expect(await engine.sandboxIps(id)).toEqual(['10.244.7.2']);
});
