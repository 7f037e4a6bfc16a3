import type { PodSpec } from '@drydock/api/generated/types.ts';
import { parseYaml } from '@drydock/foundation/lazy-yaml.ts';
import { describe, expect, test } from 'vitest';
import { nodeObjects } from './bootstrap.ts';
import { authoritiesOf } from './certificates.ts';
import { checkConfig, completeConfig, defaultConfig } from './config.ts';
import { findTargets } from './faults.ts';
import { metricsObjects, metricsRoleObjects } from './metrics-objects.ts';
import { fabricBatches, hostRules, namespaceSettings, namespacesOf, nodeRules } from './net/fabric-script.ts';
import { isNamespaceOf } from './net/host-names.ts';
import { parsePartition } from './net/partition.ts';
import { processesOf } from './processes.ts';
import { longSocket } from './programs/csi-local.ts';
import type { ProcessSpec } from './programs/process-spec.ts';
import { startCondition } from './start-order.ts';
import { storageObjects } from './storage-objects.ts';
import { testMachine, testTopology } from './testing.ts';
import { timings } from './timings.ts';

const specsOf = (asked = {}) => processesOf({ topology: testTopology(asked), machine: testMachine });
const named = (specs: readonly ProcessSpec[], name: string) => {
  const spec = specs.find((candidate) => candidate.name === name);
  if (spec === undefined) throw new Error(`no ${name}`);
  return spec;
};

test('the default lab is valid, and its names and addresses are what the documentation says', () => {
  expect(checkConfig(defaultConfig)).toEqual([]);
  const specs = specsOf();
  expect(specs.map((spec) => spec.name)).toEqual([
    'etcd-1',
    'etcd-2',
    'etcd-3',
    'apiserver-1',
    'apiserver-2',
    'apiserver-lb',
    'image-registry',
    'scheduler-1',
    'scheduler-2',
    'controller-manager-1',
    'controller-manager-2',
    'dns-1',
    'containerd-w1',
    'kubelet-w1',
    'kube-proxy-w1',
    'csi-local-w1',
    'containerd-w2',
    'kubelet-w2',
    'kube-proxy-w2',
    'csi-local-w2',
    'containerd-w3',
    'kubelet-w3',
    'kube-proxy-w3',
    'csi-local-w3',
    'ingress-1',
    'ingress-2',
    'cloud-controller-manager-1',
    'metrics-1',
  ]);
  expect(named(specs, 'apiserver-2').address).toBe('10.250.0.22:6443');
  expect(named(specs, 'kubelet-w3').member).toMatchObject({
    name: 'worker-3',
    netns: 'dd-lab-worker-3',
    podCidr: '10.244.3.0/24',
  });
});

test('no two members share an address, a link or a namespace; no two processes share an endpoint', () => {
  for (const asked of [
    { workers: 99, etcd: 9, apiservers: 9 },
    { workers: 99, controlPlane: 'static-pods', etcd: 9, apiservers: 9, schedulers: 9, controllerManagers: 9 },
    { network: 'loopback', engine: 'hollow', workers: 99, etcd: 9, apiservers: 9 },
  ] as const) {
    const topology = testTopology(asked);
    expect(new Set(topology.members.map((member) => member.link)).size).toBe(topology.members.length);
    const namespaces = namespacesOf(topology);
    expect(new Set(namespaces).size).toBe(namespaces.length);
    const endpoints = processesOf({ topology, machine: testMachine }).flatMap((spec) =>
      spec.ports.map((port) => `${spec.member.address}:${port}`),
    );
    expect(new Set(endpoints).size).toBe(endpoints.length);
  }
});

test('link and namespace names fit into the kernel’s 15 characters', () => {
  const topology = testTopology({ name: 'abcdefghij', workers: 99 });
  for (const name of [topology.fabric.hostLink, ...topology.members.map((member) => member.link)])
    expect(name.length).toBeLessThanOrEqual(15);
});

test('ours talk gRPC to all apiservers; with an original on either side it is HTTPS through the balancer', () => {
  const server = (specs: readonly ProcessSpec[], name: string) => named(specs, name).kubeconfigs[0]?.server;
  expect(server(specsOf(), 'scheduler-1')).toBe('grpcs://10.250.0.21:6444,10.250.0.22:6444');
  expect(server(specsOf({ programs: { 'scheduler-1': ['/x'] } }), 'scheduler-1')).toBe('https://10.250.0.2:6443');
  expect(server(specsOf({ programs: { 'scheduler-1': ['/x'] } }), 'scheduler-2')).toBe(
    'grpcs://10.250.0.21:6444,10.250.0.22:6444',
  );
  expect(server(specsOf({ programs: { 'apiserver-2': ['/x'] } }), 'scheduler-1')).toBe('https://10.250.0.2:6443');
  expect(server(specsOf({ programs: { 'apiserver-2': ['node', 'apps/kube-apiserver/main.ts'] } }), 'scheduler-1')).toMatch(
    /^grpcs:/,
  );
});

test('upstream’s defaults are not repeated on command lines; other values are', () => {
  const manager = (asked = {}) =>
    named(specsOf(asked), 'controller-manager-1').argv.filter((arg) => arg.startsWith('--node-monitor'));
  expect(manager()).toEqual([]);
  expect(manager({ profile: 'fast' })).toEqual(['--node-monitor-period=1s', '--node-monitor-grace-period=8s']);
  expect(manager({ profile: 'fast', timings: { 'node-monitor-period': '5s' } })).toEqual(['--node-monitor-grace-period=8s']);
  const grace = (profile: 'default' | 'fast') => {
    const { timings: values } = completeConfig({ profile });
    return Number(values['node-lease-duration-seconds']) / 4;
  };
  // A lease is renewed several times within the grace period in both profiles, or nodes would flap.
  expect(grace('default') * 4).toBeLessThan(50);
  expect(grace('fast') * 4).toBeLessThanOrEqual(8);
});

test('every timing has a usable value in both profiles', () => {
  for (const profile of ['default', 'fast'] as const) expect(checkConfig(completeConfig({ profile }))).toEqual([]);
  expect(new Set(timings.map((timing) => timing.flag)).size).toBe(timings.length);
});

test('user flags come last, so that they win', () => {
  const { argv } = named(specsOf({ flags: { 'kube-apiserver': ['--v=4'], 'apiserver-1': ['--v=5'] } }), 'apiserver-1');
  expect(argv.slice(-2)).toEqual(['--v=4', '--v=5']);
});

test('every kubeconfig has its certificate', () => {
  const known = Object.keys(authoritiesOf(testTopology()).ca.certificates);
  for (const spec of specsOf()) for (const entry of spec.kubeconfigs) expect(known).toContain(entry.certificate);
});

test('everything that is waited for is part of the lab, and nothing waits for itself', () => {
  const specs = specsOf();
  for (const spec of specs) {
    const condition = startCondition(spec, specs);
    for (const name of [...condition.any, ...condition.all]) {
      expect(named(specs, name).name).toBe(name);
      expect(name).not.toBe(spec.name);
    }
  }
});

test('the fabric: every member has a port at the bridge and a route to the pods of every other worker', () => {
  const topology = testTopology({ workers: 2 });
  const batches = fabricBatches(topology);
  const worker = batches.find((batch) => batch.netns === 'dd-lab-worker-1');
  expect(worker?.lines).toContain('route replace 10.244.2.0/24 via 10.250.0.102');
  expect(worker?.lines).not.toContain('route replace 10.244.1.0/24 via 10.250.0.101');
  expect(
    batches.filter((batch) => batch.netns?.startsWith('dd-lab-') && batch.lines.some((line) => line.includes('dev eth0'))),
  ).toHaveLength(topology.members.length);
});

test('addresses of load balancers lead to the balancer, from everywhere; what no rule of a worker takes is not sent back', () => {
  const topology = testTopology({ workers: 1 });
  const linesOf = (netns: string | undefined, batches = fabricBatches(topology)) =>
    batches.filter((batch) => batch.netns === netns).flatMap(({ lines }) => lines.filter((line) => line.includes('10.251.')));
  const way = 'route replace 10.251.0.0/24 via 10.250.0.2';
  expect(linesOf(undefined)).toEqual([`${way} dev dd-lab`]);
  expect(linesOf('dd-lab-etcd-1')).toEqual([way]);
  expect(linesOf('dd-lab-worker-1')).toEqual([way]);
  expect(nodeRules(topology)).toContain('iifname "eth0" ip daddr 10.251.0.0/24 drop');
  expect(linesOf('dd-lab-apiserver-lb')).toEqual(['route replace unreachable 10.251.0.0/24']);
  expect(namespaceSettings(topology, 'dd-lab-apiserver-lb')['net/ipv4/ip_forward']).toBe('1');
  expect(hostRules(topology)).toContain('{ 10.250.0.0/24, 10.244.0.0/16, 10.251.0.0/24 }');
  const spec = named(specsOf(), 'cloud-controller-manager-1');
  expect(spec.address).toBe('10.250.0.71:10258');
  expect(spec.argv).toContain('--load-balancer-router=dd-lab-apiserver-lb');
  const without = testTopology({ cloudControllerManagers: 0 });
  for (const { netns } of fabricBatches(without)) expect(linesOf(netns, fabricBatches(without))).toEqual([]);
  expect(namespaceSettings(without, 'dd-lab-apiserver-lb')).toEqual({});
  expect(nodeRules(without)).toBeUndefined();
});

test('Node gets the flags for all programs, then those of the program', () => {
  const argv = (name: string) => named(specsOf(), name).argv.slice(0, 3);
  expect(argv('kube-proxy-w1')).toEqual(['/node', '--one', '--two']);
  expect(argv('scheduler-1')).toEqual(['/node', '--one', '/repo/apps/kube-scheduler/main.ts']);
});

test('ingress controllers serve in the network of every worker, as processes of that machine', () => {
  const machine = { ...testMachine, trackingCgroups: '/sys/fs/cgroup/pids' };
  const specs = processesOf({ topology: testTopology({ workers: 2 }), machine });
  const spec = named(specs, 'ingress-2');
  expect(spec.address).toBe('10.250.0.62:10254');
  expect(spec.argv).toContain('--publish-status-address=10.250.0.101,10.250.0.102');
  const [, second] = JSON.parse(spec.files[0]?.text ?? '[]') as { name: string; address: string; prefix: string[] }[];
  expect(second).toMatchObject({ name: 'worker-2', address: '10.250.0.102' });
  expect(second?.prefix).toContain('--net=/var/run/netns/dd-lab-worker-2');
  expect(second?.prefix).toContain('/sys/fs/cgroup/pids/drydock/lab/worker-2/system/cgroup.procs');
});

describe('a control plane of static pods', () => {
  const asked = {
    controlPlane: 'static-pods',
    workers: 1,
    ingress: 0,
    cloudControllerManagers: 0,
    metrics: 0,
    storage: 'none',
  } as const;

  test('its node has a kubelet, a range of pods and one of each program, whose manifests lie where its kubelet reads', () => {
    const specs = specsOf(asked);
    expect(specs.map((spec) => spec.name)).toEqual([
      'apiserver-lb',
      'image-registry',
      ...['containerd-cp1', 'kubelet-cp1', 'kube-proxy-cp1'],
      ...['etcd-1', 'apiserver-1', 'scheduler-1', 'controller-manager-1'],
      'dns-1',
      ...['containerd-w1', 'kubelet-w1', 'kube-proxy-w1'],
    ]);
    expect(named(specs, 'kubelet-cp1').member).toMatchObject({ name: 'control-plane-1', podCidr: '10.244.201.0/24' });
    const config = JSON.parse(named(specs, 'kubelet-cp1').files[0]?.text ?? '{}');
    expect(config.registerWithTaints).toEqual([{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }]);
    expect(named(specs, 'kubelet-w1').files[0]?.text).not.toContain('registerWithTaints');
    const manifests = specs.flatMap(({ staticPod }) => staticPod?.file ?? []);
    expect(manifests).toEqual(
      ['etcd', 'kube-apiserver', 'kube-scheduler', 'kube-controller-manager'].map(
        (name) => `${config.staticPodPath}/${name}.yaml`,
      ),
    );
  });

  test('a kubelet takes the manifests, and every path of their command lines is mounted', () => {
    for (const { staticPod } of specsOf(asked)) {
      if (staticPod === undefined) continue;
      const { spec } = parseYaml(staticPod.text) as { spec: PodSpec };
      const [container] = spec.containers;
      const mounted = container?.volumeMounts?.map(({ mountPath }) => mountPath) ?? [];
      const paths = (container?.command ?? []).flatMap((word) => /^(?:--[a-z-]+=)?(\/.+)$/.exec(word)?.[1] ?? []);
      expect(paths.length).toBeGreaterThan(1);
      // The program itself is of the image where it is not of the repository.
      for (const path of paths.filter((each) => each !== testMachine.node))
        expect(
          mounted.some((place) => path === place || path.startsWith(`${place}/`)),
          path,
        ).toBe(true);
      // Keys of labs lie in the repository, too.
      expect(spec.volumes?.map(({ hostPath }) => hostPath?.path)).not.toContain('/repo');
    }
  });

  test('the node is made, or completed where its kubelet was first; the controller-manager waits for that', () => {
    const [node] = nodeObjects(testTopology(asked));
    expect(node?.body).toMatchObject({
      metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } },
      spec: { podCIDR: '10.244.201.0/24', taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] },
    });
    expect(node?.completes?.isComplete({ spec: {} })).toBe(false);
    expect(node?.completes?.isComplete(node.body)).toBe(true);
    const specs = specsOf(asked);
    const condition = (name: string) => startCondition(named(specs, name), specs);
    expect(condition('kubelet-cp1')).toMatchObject({ any: [], objects: false });
    expect(condition('apiserver-1')).toMatchObject({ any: [], all: ['kubelet-cp1'], objects: false });
    expect(condition('controller-manager-1')).toMatchObject({ any: ['apiserver-1'], objects: true });
    expect(condition('kubelet-w1').objects).toBe(true);
  });

  test('groups of a partition and machines that can be killed', () => {
    const topology = testTopology(asked);
    expect(parsePartition(topology, ['worker-1', 'control-plane'], false)).toMatchObject([
      { from: ['worker-1'], to: ['apiserver-lb', 'control-plane-1'] },
    ]);
    const [target] = findTargets(specsOf(asked), ['control-plane-1']);
    expect(target).toMatchObject({ kind: 'machine' });
    expect(isNamespaceOf('lab', 'dd-lab-control-plane-1')).toBe(true);
  });

  test('what cannot be is refused: simulated pods, unequal numbers, other programs in the containers', () => {
    const fields = (more: object) => checkConfig(completeConfig({ ...asked, ...more })).map(({ field }) => field);
    expect(fields({})).toEqual([]);
    expect(fields({ engine: 'hollow' })).toEqual(['controlPlane']);
    expect(fields({ etcd: 3 })).toEqual(['controlPlane']);
    expect(fields({ etcd: 3, apiservers: 3, schedulers: 3, controllerManagers: 3 })).toEqual([]);
    expect(fields({ programs: { 'apiserver-1': ['/x'], kubelet: ['/y'] } })).toEqual(['programs.apiserver-1']);
  });
});

test('every worker has a driver in its own folders, which its kubelet finds; without storage nothing of it is there', () => {
  const spec = named(specsOf(), 'csi-local-w2');
  const kubelet = named(specsOf(), 'kubelet-w2');
  const root = kubelet.argv.find((flag) => flag.startsWith('--root-dir='))?.slice('--root-dir='.length);
  expect(spec.argv).toContain(`--kubelet-registration-path=${root}/plugins_registry/csi-local.sock`);
  expect(spec.argv).toContain('--statedir=/repo/.drydock/lab/workers/worker-2/csi-local');
  expect(spec.argv).toContain('--nodeid=worker-2');
  const kinds = storageObjects(testTopology()).map(({ body }) => body.kind);
  expect(kinds).toEqual(['CSIDriver', 'StorageClass', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']);
  expect(specsOf({ storage: 'none' }).filter(({ program }) => program === 'csi-local')).toEqual([]);
  expect(storageObjects(testTopology({ storage: 'none' }))).toEqual([]);
});

test('a lab whose folder is too deep for a socket is refused, or has no storage', () => {
  const topology = testTopology();
  const deep = { ...topology, paths: { ...topology.paths, dir: `/${'d'.repeat(60)}/lab` } };
  expect(longSocket(topology)).toBeUndefined();
  expect(longSocket(deep)).toMatch(
    /csi-local.sock: too long for a socket \(107 bytes at most\): choose a shorter --dir, or --storage=none$/,
  );
  expect(longSocket({ ...deep, config: { ...deep.config, storage: 'none' } })).toBeUndefined();
});

test('the metrics server is reached by the name of its Service, and asks kubelets by theirs', () => {
  const topology = testTopology({ profile: 'fast' });
  const spec = named(processesOf({ topology, machine: testMachine }), 'metrics-1');
  expect(spec.address).toBe('10.250.0.91:4443');
  expect(spec.argv).toContain('--metric-resolution=10s');
  expect(spec.argv).toContain('--kubelet-certificate-authority=/repo/.drydock/lab/pki/ca.crt');
  expect(authoritiesOf(topology).ca.certificates['metrics-1/server']).toMatchObject({
    dnsNames: expect.arrayContaining(['metrics-server.kube-system.svc']),
    ips: ['10.250.0.91'],
  });
  const objects = metricsObjects(topology, 'PEM');
  expect(objects.map(({ body }) => body.kind)).toEqual(['RoleBinding', 'Service', 'EndpointSlice', 'APIService']);
  expect(objects[2]?.body).toMatchObject({ endpoints: [{ addresses: ['10.250.0.91'] }], ports: [{ port: 4443 }] });
  expect(objects[3]?.body).toMatchObject({ spec: { caBundle: Buffer.from('PEM').toString('base64') } });
  const without = testTopology({ metrics: 0, storage: 'none' });
  expect([...metricsObjects(without, 'PEM'), ...metricsRoleObjects(without)]).toEqual([]);
});

test('where pods are no containers there are no ingress controllers, no metrics and no volume drivers; to ask for them is refused', () => {
  for (const asked of [{ engine: 'hollow' }, { network: 'loopback', engine: 'hollow' }, { workers: 0 }] as const) {
    expect(specsOf(asked).filter((spec) => ['ingress', 'metrics'].includes(spec.member.kind))).toEqual([]);
    expect(specsOf(asked).filter(({ program }) => program === 'csi-local')).toEqual([]);
    expect(checkConfig(completeConfig({ ...asked, storage: 'local' })).map(({ field }) => field)).toEqual(['storage']);
    for (const field of ['ingress', 'metrics'])
      expect(checkConfig(completeConfig({ ...asked, [field]: 1 })).map((problem) => problem.field)).toEqual([field]);
  }
});

test('where there is no network or no node there are no load balancers; to ask for them is refused', () => {
  for (const asked of [{ network: 'loopback', engine: 'hollow' }, { workers: 0 }] as const) {
    expect(specsOf(asked).filter((spec) => spec.program === 'cloud-controller-manager')).toEqual([]);
    const problems = checkConfig(completeConfig({ ...asked, cloudControllerManagers: 1 }));
    expect(problems.map(({ field }) => field)).toEqual(['cloudControllerManagers']);
  }
  const narrow = checkConfig(completeConfig({ loadBalancerCidr: '10.251.0.0/31' }));
  expect(narrow.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    'loadBalancerCidr: expected a range of at least /30, got 10.251.0.0/31',
  ]);
});
