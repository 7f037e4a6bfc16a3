// Without root and without Linux's namespaces: a cluster on loopback whose pods are simulated, and which says so.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from '@drydock/foundation/child-process.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drydock, kubectlWith, repository, until } from './lab.ts';

const flags = ['--name', 'hollow'];
/** Below the range from which the kernel gives out ports to clients: none of them may sit on one of ours. */
const portBase = '26000';

describe('loopback network, hollow engine', () => {
  let kubeconfig = '';
  const kubectl = (...args: string[]) => kubectlWith(kubeconfig, ...args);

  beforeAll(async () => {
    await drydock('down', ...flags);
    const up = await drydock(
      'up',
      ...flags,
      '--network=loopback',
      '--engine=hollow',
      '--port-base',
      portBase,
      '--profile',
      'fast',
    );
    expect(up.exitCode, up.all).toBe(0);
    expect(up.all).toMatch(/simulated/);
    kubeconfig = /KUBECONFIG=['"]?([^'"\n]+)/.exec((await drydock('env', ...flags)).all)?.[1] ?? '';
  });
  afterAll(async () => {
    const down = await drydock('down', ...flags);
    expect(down.exitCode, down.all).toBe(0);
  });

  test('a member of the store is started with the disk that the user names', async () => {
    const statusOf = async () => JSON.parse((await drydock('status', ...flags, '--json')).all).processes;
    await drydock('kill', ...flags, 'etcd-2');
    const started = await execa(join(repository, 'drydock'), ['start', ...flags, 'etcd-2'], {
      env: { DRYDOCK_DISK_FAULTS: 'faults.json' },
      cwd: '/tmp',
      stdin: 'ignore',
    });
    expect(started.stdout).toBe('started etcd-2');
    const { pid } = (await statusOf()).find((entry: { name: string }) => entry.name === 'etcd-2');
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toContain('DRYDOCK_DISK_FAULTS=/tmp/faults.json\0');
  });

  test('pods with probes get Ready: nobody is there to be asked', async () => {
    await kubectl('apply', '-f', join(repository, 'deploy/samples/web.yaml'));
    await kubectl('rollout', 'status', 'deployment/web-deployment', '--timeout=60s');
    await kubectl('delete', '-f', join(repository, 'deploy/samples/web.yaml'));
    await until('the pods are gone', async () => (await kubectl('get', 'pods', '--no-headers')).trim() === '');
  });

  test('kubectl takes a file that is a List: it reads the OpenAPI document in protobuf for it', async () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: ['one', 'two'].map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })),
    };
    for (const verb of ['create', 'apply', 'delete'])
      await execa('kubectl', ['--kubeconfig', kubeconfig, verb, '-f', '-'], { input: JSON.stringify(list) });
  });

  test('kubectl drives it', async () => {
    await kubectl('create', 'deployment', 'web', '--image=anything', '--replicas=3');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    await kubectl('delete', 'deployment', 'web');
    await until('the pods are gone', async () => (await kubectl('get', 'pods', '--no-headers')).trim() === '');
    expect(await kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].status.nodeInfo.containerRuntimeVersion}')).toMatch(
      /^hollow:/,
    );
  });
});
