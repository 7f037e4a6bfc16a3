// A control plane of static pods: what study notes say of a master node can be seen and done, and the lab's verbs make sense of it.
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drydock, e2eSkipReason, kubectlWith, repository, until } from './lab.ts';

const flags = ['--name', 'cplane'];
const manifest = join(repository, '.drydock/cplane/workers/control-plane-1/manifests/kube-scheduler.yaml');
const programs = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const mirrors = programs.map((name) => `${name}-control-plane-1`);

interface Pod {
  metadata: { name: string; uid: string };
  status: { containerStatuses?: { ready: boolean; restartCount: number; containerID: string }[] };
}

describe.skipIf(e2eSkipReason !== undefined)(`static control plane (${e2eSkipReason ?? 'as root'})`, () => {
  let kubeconfig = '';
  const kubectl = (...args: string[]) => kubectlWith(kubeconfig, '-n', 'kube-system', ...args);
  const run = async (...args: string[]) => {
    const { exitCode, all } = await drydock(...args.slice(0, 1), ...flags, ...args.slice(1));
    expect(exitCode, all).toBe(0);
    return all;
  };
  const stateOf = async (name: string): Promise<{ state: string; pid?: number; reason: string }> =>
    JSON.parse(await run('status', '--json')).processes.find((entry: { name: string }) => entry.name === name);
  const pod = async (name: string) => JSON.parse(await kubectl('get', 'pod', name, '-o', 'json')) as Pod;

  beforeAll(async () => {
    await drydock('down', ...flags);
    await run('up', '--control-plane=static-pods', '--workers', '0', '--profile', 'fast');
    kubeconfig = /KUBECONFIG=['"]?([^'"\n]+)/.exec(await run('env'))?.[1] ?? '';
  });
  afterAll(async () => {
    if (e2eSkipReason === undefined) await run('down');
  });

  test('kubectl shows the control plane as pods of a tainted node; status, logs and kubectl logs tell of the same processes', async () => {
    await until('every program has its mirror', async () => {
      const names = (await kubectl('get', 'pods', '-o', 'name')).split('\n').map((name) => name.replace('pod/', ''));
      return names.sort().join() === mirrors.join() || names.join();
    });
    expect(await kubectl('get', 'nodes', '--no-headers')).toMatch(/^control-plane-1 +Ready +control-plane /);
    const taints = await kubectl('get', 'node', 'control-plane-1', '-o', 'jsonpath={.spec.taints}');
    expect(JSON.parse(taints)).toEqual([{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }]);
    expect(await stateOf('etcd-1')).toMatchObject({ state: 'running', role: 'leader' });
    const line = (await run('logs', '--tail', '1', 'apiserver-1')).trim();
    expect(JSON.parse(line)).toMatchObject({ component: 'kube-apiserver' });
    await until('kubectl has the line', async () => (await kubectl('logs', 'kube-apiserver-control-plane-1')).includes(line));
  });

  test('a killed container is begun again, a deleted mirror comes back and the container goes on', async () => {
    const before = await stateOf('scheduler-1');
    expect(await run('kill', 'scheduler-1')).toMatch(/scheduler-1: in static pods, which the kubelet begins again/);
    await until('it runs again', async () => {
      const { state, pid } = await stateOf('scheduler-1');
      return (state === 'running' && pid !== before.pid) || state;
    });
    const [old, container] = [await pod('etcd-control-plane-1'), (await stateOf('etcd-1')).pid];
    await kubectl('delete', 'pod', 'etcd-control-plane-1', '--wait=false');
    await until('the mirror is back', async () => (await pod('etcd-control-plane-1')).metadata.uid !== old.metadata.uid);
    expect((await stateOf('etcd-1')).pid).toBe(container);
    await until('the restart is told', async () => {
      const { status } = await pod('kube-scheduler-control-plane-1');
      return status.containerStatuses?.[0]?.restartCount === 1 || JSON.stringify(status);
    });
  });

  test('without its manifest the scheduler goes, and with it comes back; a lost machine comes back whole', async () => {
    const aside = `${manifest}.aside`.replace('manifests/', '');
    renameSync(manifest, aside);
    await until('its pod is gone', async () => !(await kubectl('get', 'pods', '-o', 'name')).includes('scheduler'));
    expect(await stateOf('scheduler-1')).toMatchObject({ state: 'dead', reason: expect.stringMatching(/^no manifest: /) });
    const tolerant = JSON.stringify({ spec: { tolerations: [{ operator: 'Exists' }] } });
    await kubectl('run', 'waits', '--image=drydock/echo:1', `--overrides=${tolerant}`);
    expect(await kubectl('get', 'pod', 'waits', '-o', 'jsonpath={.spec.nodeName}')).toBe('');
    await run('kill', 'control-plane-1');
    renameSync(aside, manifest);
    await run('start', 'control-plane-1');
    await until('what waited is placed and runs', async () => {
      const seen = await kubectl('get', 'pod', 'waits', '-o', 'jsonpath={.spec.nodeName} {.status.phase}');
      return seen === 'control-plane-1 Running' || seen;
    });
    for (const name of ['etcd-1', 'apiserver-1', 'scheduler-1', 'controller-manager-1'])
      expect(await stateOf(name)).toMatchObject({ state: 'running' });
  });
});
