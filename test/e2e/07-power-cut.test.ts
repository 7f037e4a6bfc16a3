// Acceptance 8: every process is killed at once; `up` brings back the same objects and the application.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployEcho, drydock, e2eSkipReason, kubectl, kubectlJson, lab, labFlags, nodeAddress, until } from './lab.ts';

const namespace = 'e2e-power';

interface Named {
  items: { metadata: { name: string; uid: string } }[];
}
const identities = async (resource: string) =>
  (await kubectlJson<Named>('-n', namespace, 'get', resource)).items
    .map((item) => `${item.metadata.name} ${item.metadata.uid}`)
    .sort();

describe.skipIf(e2eSkipReason !== undefined)(`power cut (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(() => kubectl('create', 'namespace', namespace));
  afterAll(() => kubectl('delete', 'namespace', namespace));

  test('kill -9 of everything, then up', async () => {
    const app = await deployEcho(namespace, 'web', 2);
    await kubectl('-n', namespace, 'create', 'configmap', 'kept', '--from-literal=a=b');
    const before = {
      deployments: await identities('deployments'),
      services: await identities('services'),
      configmaps: await identities('configmaps'),
    };
    await lab('kill', 'all');
    const again = await drydock('up', ...labFlags, '--profile', 'fast');
    expect(again.exitCode, again.all).toBe(0);
    expect({
      deployments: await identities('deployments'),
      services: await identities('services'),
      configmaps: await identities('configmaps'),
    }).toEqual(before);
    await kubectl('-n', namespace, 'rollout', 'status', 'deployment/web', '--timeout=90s');
    const url = `http://${await nodeAddress('worker-1')}:${app.nodePort}/`;
    await until('the application answers', async () => (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok);
  });
});
