// Images come from the lab's own registry, offline too: what is loaded is served, what is not fails as it does elsewhere.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from '@drydock/foundation/child-process.ts';
import { writeArchive } from '@drydock/lab/images/archive.ts';
import { pauseProgram } from '@drydock/lab/images/pause.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { e2eSkipReason, echoImage, kubectl, lab, until } from './lab.ts';

describe.skipIf(e2eSkipReason !== undefined)(`images (${e2eSkipReason ?? 'as root'})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-images-'));
  const image = 'docker.io/drydock/loaded:1';
  const phase = (pod: string) => kubectl('get', 'pod', pod, '-o', 'jsonpath={.status.phase}');
  const waiting = (pod: string, field: string) =>
    kubectl('get', 'pod', pod, '-o', `jsonpath={.status.containerStatuses[0].state.waiting.${field}}`);
  const run = (pod: string, name: string) => kubectl('run', pod, `--image=${name}`, '--image-pull-policy=Always');

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await kubectl('delete', 'pod', 'own', 'loaded', 'unknown', '--ignore-not-found', '--now');
  });

  test('Always: the images of the lab, and one that was loaded; a name that nobody has is ErrImagePull', async () => {
    const file = join(folder, 'image.tar');
    const content = pauseProgram(process.arch) ?? Buffer.from('');
    const layer = { name: 'loaded', entries: [{ type: 'file', path: 'pause', mode: 0o755, content }] } as const;
    await writeArchive(file, [{ names: [image], layers: [layer], config: { Env: [], Entrypoint: ['/pause'] } }]);
    await lab('image', 'load', file);
    // No worker has it any more: what runs has come through the registry.
    const { processes } = JSON.parse(await lab('status', '--json')) as { processes: { name: string; address: string }[] };
    for (const { address } of processes.filter(({ name }) => name.startsWith('containerd-')))
      await execa('ctr', ['-a', address, '-n', 'k8s.io', 'images', 'rm', '--sync', image], { stdin: 'ignore' });
    await Promise.all([run('own', echoImage), run('loaded', 'drydock/loaded:1'), run('unknown', 'drydock/unknown:1')]);
    for (const pod of ['own', 'loaded']) await until(`${pod} runs`, async () => (await phase(pod)) === 'Running');
    await until('it is tried again', async () => (await waiting('unknown', 'reason')) === 'ImagePullBackOff');
    const message = await waiting('unknown', 'message');
    expect(message).toMatch(/Back-off pulling image "drydock\/unknown:1": ErrImagePull: .*docker\.io\/drydock\/unknown:1/);
    // Then the registry of the name was asked: it is not there, or it knows nobody of that name.
    expect(message).toMatch(/registry-1\.docker\.io|pull access denied|toomanyrequests/);
  });
});
