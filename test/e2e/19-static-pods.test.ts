// Static pods of a worker of the lab: manifests in its folder run, with and without apiservers; their mirrors do nothing to them.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { e2eSkipReason, kubectl, kubectlJson, lab, repository, tryCommand, until } from './lab.ts';

const folder = join(repository, '.drydock', 'e2e', 'workers', 'worker-1', 'manifests');
const file = join(folder, 'web.yaml');
const mirror = 'web-worker-1';
const manifest = (version: string) => `
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: static-web}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: drydock/echo:${version}
    ports: [{containerPort: 8080}]
`;

interface Mirror {
  metadata: {
    uid: string;
    annotations: Record<string, string>;
    ownerReferences: { kind: string; name: string; controller: boolean }[];
  };
  spec: { containers: { image: string }[]; tolerations: object[] };
  status: {
    phase: string;
    podIP?: string;
    containerStatuses?: { restartCount: number; containerID: string; ready: boolean }[];
  };
}

const get = () => kubectlJson<Mirror>('get', 'pod', mirror);
const container = (pod: Mirror) => pod.status.containerStatuses?.[0]?.containerID;
/** The mirror, once it says that the pod serves and `condition` holds. */
async function ready(what: string, condition: (pod: Mirror) => boolean = () => true): Promise<Mirror> {
  let pod: Mirror | undefined;
  await until(what, async () => {
    pod = await get();
    return (pod.status.containerStatuses?.[0]?.ready === true && condition(pod)) || JSON.stringify(pod.status);
  });
  if (pod === undefined) throw new Error(what);
  return pod;
}
/** Answers of the application itself, which no API server is asked for. */
const answers = async (address: string) =>
  (await fetch(`http://${address}:8080/`, { signal: AbortSignal.timeout(2_000) })).text().then((text) => text.includes(mirror));

describe.skipIf(e2eSkipReason !== undefined)(`static pods (${e2eSkipReason ?? 'as root'})`, () => {
  afterAll(async () => {
    if (e2eSkipReason !== undefined) return;
    rmSync(file, { force: true });
    await lab('start', 'all');
  });

  test('status names the folder; a manifest there runs and has a mirror of its node', async () => {
    expect(await lab('status')).toContain('static pods of worker-1: manifests in ');
    expect(JSON.parse(await lab('status', '--json')).manifests['worker-1']).toBe(folder);
    writeFileSync(file, manifest('1'));
    writeFileSync(join(folder, '.hidden.yaml'), manifest('1').replace('name: web', 'name: hidden'));
    const pod = await ready('the pod runs');
    expect(pod.metadata.annotations).toMatchObject({
      'kubernetes.io/config.source': 'file',
      'kubernetes.io/config.mirror': pod.metadata.annotations['kubernetes.io/config.hash'],
    });
    expect(pod.metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'worker-1', controller: true }]);
    expect(pod.spec.tolerations).toContainEqual({ operator: 'Exists', effect: 'NoExecute' });
    await until('it answers', () => answers(pod.status.podIP ?? ''));
    rmSync(join(folder, '.hidden.yaml'));
    expect(await tryCommand('kubectl', 'get', 'pod', 'hidden-worker-1')).toMatch(/not found/);
  });

  test('who deletes or changes the mirror changes nothing of the pod', async () => {
    const before = await get();
    await kubectl('delete', 'pod', mirror, '--wait=false');
    const after = await ready('the mirror is back', (pod) => pod.metadata.uid !== before.metadata.uid);
    expect(container(after)).toBe(container(before));
    expect(await tryCommand('kubectl', 'patch', 'pod', mirror, '-p', '{"spec":{"terminationGracePeriodSeconds":9}}')).toMatch(
      /Forbidden: pod updates may not change fields other than/,
    );
    const other = '{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}}}';
    expect(await tryCommand('kubectl', 'patch', 'pod', mirror, '-p', other)).toMatch(
      /may not remove or update mirror pod annotation/,
    );
  });

  test('without apiservers a changed manifest is another pod, also for a kubelet that starts then', async () => {
    const before = await get();
    await lab('kill', 'apiserver-1', 'apiserver-2');
    await lab('kill', 'kubelet-w1');
    await lab('start', 'kubelet-w1');
    writeFileSync(file, manifest('2'));
    const addresses = () => tryCommand('sh', '-c', `cat ${join(folder, '..', 'pods')}/default_${mirror}_*/web/0.log`);
    await until('the new pod has begun', async () => (await addresses()).includes('version 2') || (await addresses()));
    await lab('start', 'apiserver-1', 'apiserver-2');
    const after = await ready(
      'the mirror is that of the new one',
      (pod) => pod.spec.containers[0]?.image.endsWith(':2') === true,
    );
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    await until('it answers', () => answers(after.status.podIP ?? ''));
  });

  test('without its manifest it is gone', async () => {
    rmSync(file);
    await until('the mirror is gone', async () => (await tryCommand('kubectl', 'get', 'pod', mirror)).includes('not found'));
  });
});
