import type { Container, Pod, PodSpec } from '@drydock/api/generated/types.ts';
import { expect, test, vi } from 'vitest';
import { podValues, weightOf } from './cgroup-plan.ts';
import { Cgroups } from './cgroups.ts';
import { FakeCgroupFs } from './testing/fake-cgroup-fs.ts';

vi.setConfig({ testTimeout: 120_000 });

type Amounts = Record<string, string>;
const root = '/lab/worker-1';

function container(requests: Amounts = {}, limits: Amounts = {}, more: Partial<Container> = {}): Container {
  return { name: 'c', resources: { requests: { ...limits, ...requests }, limits }, ...more };
}
const pod = (uid: string, spec: Partial<PodSpec>): Pod => ({
  metadata: { name: uid, namespace: 'd', uid },
  spec: { containers: [], ...spec },
});
const small: Amounts = { cpu: '100m', memory: '64Mi' };
const large: Amounts = { cpu: '1', memory: '256Mi' };
const mega = 1024 * 1024;

test.each<[string, Partial<PodSpec>, (number | undefined)[]]>([
  ['nothing asked for', { containers: [container()] }, [2, undefined, undefined]],
  ['all of it limited', { containers: [container(small, small)] }, [102, 10_000, 64 * mega]],
  ['requests alone', { containers: [container(small)] }, [102, undefined, undefined]],
  ['one container without a limit', { containers: [container(small, small), container(small)] }, [204, undefined, undefined]],
  ['memory limited, processors not', { containers: [container(small, { memory: '64Mi' })] }, [102, undefined, 64 * mega]],
  [
    'an init container larger than the rest',
    { containers: [container(small, small)], initContainers: [container(large, large)] },
    [1024, 100_000, 256 * mega],
  ],
  [
    'an init container without a limit',
    { containers: [container(small, small)], initContainers: [container()] },
    [102, undefined, undefined],
  ],
  [
    'a sidecar beside the rest',
    { containers: [container(small, small)], initContainers: [container(large, large, { restartPolicy: 'Always' })] },
    [1126, 110_000, 320 * mega],
  ],
  [
    'overhead on what is limited',
    { containers: [container(small, { memory: '64Mi' })], overhead: { cpu: '100m', memory: '16Mi' } },
    [204, undefined, 80 * mega],
  ],
  [
    'limits of the pod itself',
    { containers: [container(), container(small)], resources: { requests: small, limits: large } },
    [102, 100_000, 256 * mega],
  ],
])('a pod: %s', (_, spec, [cpuShares, cpuQuota, memoryBytes]) => {
  expect(podValues(pod('p', spec))).toEqual({ cpuShares, cpuQuota, memoryBytes });
});

test.each([
  [2, 1],
  [102, 4],
  [1024, 39],
  [262_144, 10_000],
])('%i shares weigh %i', (shares, weight) => {
  expect(weightOf(shares)).toBe(weight);
});

const guaranteed = pod('g', { containers: [container(small, small)] });
const burstable = pod('b', { containers: [container(large)] });
const second = pod('b2', { containers: [container(small)] });
const besteffort = pod('e', { containers: [container()] });
const ended: Pod = { ...pod('b3', { containers: [container(large)] }), status: { phase: 'Succeeded' } };

function world(version: 1 | 2, pods: Pod[]): { fs: FakeCgroupFs; cgroups: Cgroups } {
  const fs = new FakeCgroupFs(version, root);
  return { fs, cgroups: again(fs, pods) };
}
function again(fs: FakeCgroupFs, pods: readonly Pod[]): Cgroups {
  return new Cgroups({ fs, root, node: { cpuMilli: 2000, memoryBytes: 1024 * mega }, pods: () => pods });
}

const expected = {
  1: {
    '/kubepods': { 'cpu.shares': '2048', 'cpu.cfs_quota_us': '-1', 'memory.limit_in_bytes': `${1024 * mega}` },
    '/kubepods/burstable': { 'cpu.shares': '1126', 'cpu.cfs_quota_us': '-1', 'memory.limit_in_bytes': '-1' },
    '/kubepods/besteffort': { 'cpu.shares': '2', 'cpu.cfs_quota_us': '-1', 'memory.limit_in_bytes': '-1' },
    '/kubepods/podg': { 'cpu.shares': '102', 'cpu.cfs_quota_us': '10000', 'memory.limit_in_bytes': `${64 * mega}` },
    '/kubepods/burstable/podb': { 'cpu.shares': '1024', 'cpu.cfs_quota_us': '-1', 'memory.limit_in_bytes': '-1' },
    '/kubepods/besteffort/pode': { 'cpu.shares': '2', 'cpu.cfs_quota_us': '-1', 'memory.limit_in_bytes': '-1' },
  },
  2: {
    '/kubepods': { 'cpu.weight': '79', 'cpu.max': 'max 100000', 'memory.max': `${1024 * mega}` },
    '/kubepods/burstable': { 'cpu.weight': '43', 'cpu.max': 'max 100000', 'memory.max': 'max' },
    '/kubepods/besteffort': { 'cpu.weight': '1', 'cpu.max': 'max 100000', 'memory.max': 'max' },
    '/kubepods/podg': { 'cpu.weight': '4', 'cpu.max': '10000 100000', 'memory.max': `${64 * mega}` },
    '/kubepods/burstable/podb': { 'cpu.weight': '39', 'cpu.max': 'max 100000', 'memory.max': 'max' },
    '/kubepods/besteffort/pode': { 'cpu.weight': '1', 'cpu.max': 'max 100000', 'memory.max': 'max' },
  },
} as const;
const versions = [1, 2] as const;

test.each(versions)('v%i: every class has its weight, every pod its limits', async (version) => {
  const pods = [guaranteed, burstable, second, besteffort, ended];
  const { fs, cgroups } = world(version, pods);
  for (const each of [guaranteed, burstable, besteffort])
    expect(await cgroups.prepare(each)).toMatch(/^\/lab\/worker-1\/kubepods(\/burstable|\/besteffort)?\/pod[gbe]$/);
  for (const [cgroup, values] of Object.entries(expected[version])) expect(fs.values(`${root}${cgroup}`)).toMatchObject(values);
  if (version === 1) expect(fs.values(`${root}/kubepods/podg`)).toMatchObject({ 'cpuset.cpus': '0-1', 'cpuset.mems': '0-1' });
  expect((await cgroups.pods()).sort()).toEqual(['b', 'e', 'g']);
});

test.each(versions)('v%i: the weight of the burstable follows its pods', async (version) => {
  const pods = [burstable, second];
  const { fs, cgroups } = world(version, pods);
  const weight = () => Object.values(fs.values(`${root}/kubepods/burstable`))[0];
  await cgroups.prepare(burstable);
  const both = weight();
  pods.pop();
  await cgroups.refresh();
  expect([both, weight()]).toEqual(version === 1 ? ['1126', '1024'] : ['43', '39']);
  pods.pop();
  await cgroups.refresh();
  expect(weight()).toBe(version === 1 ? '2' : '1');
});

test.each(versions)(
  'v%i: a pod goes with all in it, from every hierarchy; what runs there is killed first',
  async (version) => {
    const { fs, cgroups } = world(version, [burstable]);
    const path = await cgroups.prepare(burstable);
    const hierarchies = version === 2 ? [''] : ['/cpu,cpuacct', '/memory', '/cpuset', '/pids'];
    for (const hierarchy of hierarchies) await fs.mkdir(`${hierarchy}${path}/container`);
    const [first = ''] = hierarchies;
    fs.files.set(`${first}${path}/container/cgroup.procs`, '41\n42');
    await expect(cgroups.remove('b')).rejects.toThrow('2 processes killed in it');
    expect(fs.killed).toEqual([41, 42]);
    await cgroups.remove('b');
    await cgroups.remove('b');
    expect(fs.below('podb')).toEqual([]);
    expect(fs.below('burstable')).toEqual(['burstable']);
    expect(await cgroups.pods()).toEqual([]);
  },
);

test.each(versions)('v%i: a process that is not seen here is not killed: 0 would be the kubelet itself', async (version) => {
  const { fs, cgroups } = world(version, [burstable]);
  const path = await cgroups.prepare(burstable);
  fs.files.set(`${version === 2 ? '' : '/memory'}${path}/cgroup.procs`, '0');
  await expect(cgroups.remove('b')).rejects.toThrow('EBUSY');
  expect(fs.killed).toEqual([]);
});

test.each(versions)('v%i: killed at any call, it is whole when it comes again, and removed when it goes', async (version) => {
  const pods = [burstable, second];
  const clean = world(version, pods);
  await clean.cgroups.prepare(burstable);
  await clean.cgroups.remove('b');
  for (let at = 0; at < clean.fs.calls; at++) {
    const { fs, cgroups } = world(version, pods);
    fs.before = (call) => {
      if (call >= at) throw new Error('killed');
    };
    const work = cgroups.prepare(burstable).then(() => cgroups.remove('b'));
    await expect(work).rejects.toThrow('killed');
    fs.before = () => {};
    const restarted = again(fs, pods);
    await restarted.prepare(burstable);
    for (const cgroup of ['/kubepods', '/kubepods/burstable', '/kubepods/burstable/podb'] as const)
      expect(fs.values(`${root}${cgroup}`)).toMatchObject(expected[version][cgroup]);
    for (const uid of await restarted.pods()) await restarted.remove(uid);
    expect(fs.below('/pod')).toEqual([]);
  }
});

test('without a controller that limits need, no pod starts, and it says why', async () => {
  const { fs, cgroups } = world(2, [guaranteed]);
  fs.files.set(`${root}/cgroup.controllers`, 'cpu pids');
  await expect(cgroups.prepare(guaranteed)).rejects.toThrow(`${root}: cgroup controller "memory" is not available`);
});

test.each([1, 2] as const)('v%d: a pod has no more processes than the configuration lets it have', async (version) => {
  const fs = new FakeCgroupFs(version, root);
  const node = { cpuMilli: 4000, memoryBytes: 8 * 1024 * mega };
  const cgroups = new Cgroups({ fs, root, node, pods: () => [], podPidsLimit: 100 });
  const folder = await cgroups.prepare(pod('p', { containers: [container(small, small)] }));
  expect(fs.values(folder)['pids.max']).toBe('100');
});

test('all pods together may have all there is, where the configuration says so', async () => {
  const fs = new FakeCgroupFs(2, root);
  const cgroups = new Cgroups({ fs, root, node: { cpuMilli: 4000, memoryBytes: mega }, pods: () => [], enforcePods: false });
  await cgroups.refresh();
  expect(fs.values(`${root}/kubepods`)['memory.max']).toBe('max');
});
