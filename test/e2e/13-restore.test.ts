// Everything of the store is lost, machines and disks; a snapshot brings the cluster back.
import { Resolver } from 'node:dns/promises';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa } from '@drydock/foundation/child-process.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drydock, kubectlWith, until } from './lab.ts';

const folder = mkdtempSync(join(tmpdir(), 'drydock-restore-'));
const dir = join(folder, 'lab');
const flags = ['--name', 'restore', '--dir', dir];
/** Below the range from which the kernel gives out ports to clients, and apart from the other lab on loopback. */
const portBase = '25000';
const small = ['--workers', '1', '--apiservers', '1', '--schedulers', '1', '--controller-managers', '1'];
/** Who is alone holds its lease on a slow machine too: it would end, and nobody take over. */
const patient = ['--leader-elect-lease-duration=15s', '--leader-elect-renew-deadline=10s', '--leader-elect-retry-period=2s'];
const store = ['etcd-1', 'etcd-2', 'etcd-3'];

describe('a lab restored from a snapshot', { timeout: 400_000 }, () => {
  const run = async (...args: string[]) => {
    const result = await drydock(...args);
    expect(result.exitCode, result.all).toBe(0);
    return result.all;
  };
  const kubectl = (...args: string[]) => kubectlWith(join(dir, 'admin.kubeconfig'), ...args);
  const uids = async (kind: string) =>
    (await kubectl('get', kind, '-o', 'jsonpath={.items[*].metadata.uid}')).split(' ').sort();
  const dns = new Resolver({ timeout: 2_000, tries: 1 });
  dns.setServers([`127.0.0.1:${Number(portBase) + 2}`]);
  const resolves = (service: string) =>
    dns.resolve4(`${service}.default.svc.cluster.local`).then(
      ([address]) => address,
      () => undefined,
    );
  /** What the kubelet itself says that it runs; asked as the API server asks it, which passes nobody on to loopback addresses. */
  const runningPods = async () => {
    const port = await kubectl('get', 'node', 'worker-1', '-o', 'jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}');
    const [ca, cert, key] = ['ca.crt', 'apiserver-kubelet-client.crt', 'apiserver-kubelet-client.key'].map((name) =>
      readFileSync(join(dir, 'pki', name)),
    ) as [Buffer, Buffer, Buffer];
    const metrics = await new Promise<string>((resolve, reject) => {
      get({ host: '127.0.0.1', port, path: '/metrics', ca, cert, key, agent: false }, (response) => {
        text(response).then(resolve, reject);
      }).on('error', reject);
    });
    return Number(/^kubelet_running_pods (\d+)$/m.exec(metrics)?.[1]);
  };
  const revision = async () => Number(JSON.parse(await kubectl('get', '--raw', '/api/v1/pods')).metadata.resourceVersion);

  beforeAll(async () => {
    await run(
      'up',
      ...flags,
      '--network=loopback',
      '--engine=hollow',
      '--port-base',
      portBase,
      '--profile',
      'fast',
      ...small,
      ...patient,
    );
  });
  afterAll(async () => {
    const down = await drydock('down', ...flags);
    rmSync(folder, { recursive: true, force: true });
    expect(down.exitCode, down.all).toBe(0);
  });

  test('has the objects of the snapshot, and goes on from there', async () => {
    await kubectl('create', 'deployment', 'kept', '--image=anything', '--replicas=2');
    await kubectl('rollout', 'status', 'deployment/kept', '--timeout=60s');
    const file = join(folder, 'snapshot.db');
    await run('snapshot', 'save', ...flags, file);
    const [deployments, pods] = [await uids('deployments'), await uids('pods')];
    await kubectl('create', 'deployment', 'lost', '--image=anything');
    await kubectl('scale', 'deployment/kept', '--replicas=5');
    await kubectl('rollout', 'status', 'deployment/kept', '--timeout=60s');
    const before = await revision();

    const refused = await drydock('snapshot', 'restore', ...flags, file);
    expect(refused.exitCode).toBe(1);
    expect(refused.all).toContain('say --force');
    const damaged = join(folder, 'damaged.db');
    writeFileSync(damaged, 'not a snapshot');
    await run('kill', ...flags, ...store);
    const unusable = await drydock('snapshot', 'restore', ...flags, damaged);
    expect(unusable.exitCode).toBe(1);
    expect(unusable.all).toContain('invalid database');
    expect(existsSync(join(dir, 'data', 'etcd-1'))).toBe(true);
    for (const name of store) rmSync(join(dir, 'data', name), { recursive: true });

    await run('snapshot', 'restore', ...flags, file);
    expect(await uids('deployments')).toEqual(deployments);
    // The kubelet and the controllers had pods that have never been.
    await until('the pods of the snapshot run', async () => {
      const { items } = JSON.parse(await kubectl('get', 'pods', '-o', 'json'));
      const ready = items.filter((pod: { status: { phase: string } }) => pod.status.phase === 'Running');
      return ready.length === 2 && (await uids('pods')).join() === pods.join();
    });
    expect(await revision()).toBeGreaterThan(before);
    await kubectl('scale', 'deployment/kept', '--replicas=3');
    await kubectl('rollout', 'status', 'deployment/kept', '--timeout=60s');
    expect(await kubectl('get', 'nodes', '--no-headers')).toMatch(/ Ready /);

    // Once more, over a store that runs: revisions go on beyond those of the first time.
    const afterFirst = await revision();
    await run('snapshot', 'restore', ...flags, '--force', file);
    await until('two pods again', async () => (await uids('pods')).join() === pods.join());
    expect(await revision()).toBeGreaterThan(afterFirst);
  });

  /** The snapshot's data for every member, by the program alone: revisions go back to the snapshot's and are given out again. */
  async function restorePlainly(file: string): Promise<void> {
    const peer = (index: number) => `https://127.0.0.1:${Number(portBase) + 11 + 3 * index}`;
    const cluster = store.map((name, index) => `${name}=${peer(index)}`).join();
    for (const [index, name] of store.entries()) {
      const target = join(dir, 'data', name);
      rmSync(target, { recursive: true });
      const restored = await drydock(
        ...['run', 'etcdutl', 'snapshot', 'restore', file, `--data-dir=${target}`, `--name=${name}`],
        ...[`--initial-cluster=${cluster}`, '--initial-cluster-token=drydock-restore'],
        `--initial-advertise-peer-urls=${peer(index)}`,
      );
      expect(restored.exitCode, restored.all).toBe(0);
    }
    await run('up', ...flags);
  }

  const ways = {
    'by the lab': (file: string) => run('snapshot', 'restore', ...flags, file),
    'without --bump-revision': restorePlainly,
  };
  test.each(Object.entries(ways))('a store restored %s is followed by everything', async (way, restore) => {
    const [keep, old, fresh] = ['keep', 'old', 'new'].map((name) => `${name}-${Object.keys(ways).indexOf(way)}`) as [
      string,
      string,
      string,
    ];
    const expose = (name: string) => kubectl('expose', 'deployment', name, '--port=80');
    const rollout = (name: string) => kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s');
    for (const name of [keep, old]) await kubectl('create', 'deployment', name, '--image=anything');
    await expose(keep);
    for (const name of [keep, old]) await rollout(name);
    const address = await kubectl('get', 'service', keep, '-o', 'jsonpath={.spec.clusterIP}');
    await until('the name resolves', async () => (await resolves(keep)) === address);
    const [pods, running] = [await uids('pods'), await runningPods()];
    const file = join(folder, `${keep}.db`);
    await run('snapshot', 'save', ...flags, file);

    await kubectl('delete', 'service', keep);
    await kubectl('delete', 'deployment', old);
    await kubectl('create', 'deployment', fresh, '--image=anything', '--replicas=3');
    await expose(fresh);
    await rollout(fresh);
    await until('the lost state is followed', async () => {
      const names = [await resolves(keep), await resolves(fresh)];
      return names[0] === undefined && names[1] !== undefined && (await runningPods()) === running + 2;
    });
    const before = await revision();
    const watch = execa('kubectl', ['--kubeconfig', join(dir, 'admin.kubeconfig'), 'get', 'deployments', '-w'], {
      reject: false,
    });

    await run('kill', ...flags, ...store);
    await restore(file);
    await until('the API, the kubelet and DNS have the state of the snapshot', async () => {
      const seen = [
        (await uids('pods')).join() === pods.join(),
        await runningPods(),
        await resolves(keep),
        await resolves(fresh),
      ];
      if (seen.join() === [true, running, address, undefined].join()) return true;
      return `${seen.join()}; of ${pods.length} pods and ${running} that run:\n${await kubectl('get', 'pods,replicasets', '-o', 'wide')}`;
    });
    // A watch of the lost history is not left open and silent.
    expect((await watch).stdout).toContain('Expired');
    expect(await revision()).toBeGreaterThan(before);
    await kubectl('scale', `deployment/${old}`, '--replicas=2');
    await rollout(old);
    await kubectl('delete', `deployment/${keep}`, `deployment/${old}`, `service/${keep}`);
    await until(
      'what is deleted now is gone',
      async () => (await resolves(keep)) === undefined && (await runningPods()) === running - 2,
    );
  });
});
