// The program on a whole apiserver: what it may do is what the role of its controller allows, and what it does is done at the wire.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type WireClient, WireServer } from '@drydock/apiserver/testing/wire.ts';
import { cloudControllers } from '@drydock/controllers/cloud-controllers.ts';
import { startManager } from '@drydock/controllers/manager-process.ts';
import { parseFlags } from '@drydock/foundation/flags.ts';
import { Lifecycle } from '@drydock/foundation/lifecycle.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { renderKubeconfig } from '@drydock/pki/kubeconfig.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flags, ignoredFlags } from './flags.ts';
import { cloudOptions } from './options.ts';

const services = '/api/v1/namespaces/default/services';
const merge = 'application/merge-patch+json';
const dialect = { style: 'pflag', ignored: ignoredFlags } as const;
const folder = mkdtempSync(join(tmpdir(), 'drydock-cloud-'));
const machine = {
  name: 'worker-9',
  providerID: 'local://9',
  addresses: [{ type: 'InternalIP', address: '10.0.0.9' }],
  zone: 'a',
  instanceType: 'small',
};
const writeMachines = (machines: object[]) => writeFileSync(join(folder, 'machines.json'), JSON.stringify(machines));
let server: WireServer;
let admin: WireClient;
let stop: () => Promise<void>;

async function startProgram(): Promise<() => Promise<void>> {
  const args = [
    `--kubeconfig=${join(folder, 'kubeconfig')}`,
    '--load-balancer-cidr=10.251.0.0/29',
    '--use-service-account-credentials',
    '--secure-port=0',
    `--cloud-config=${join(folder, 'machines.json')}`,
    '--node-monitor-period=200ms',
  ];
  const { values } = parseFlags(flags, args, dialect);
  const lifecycle = new Lifecycle(silentLog);
  const context = {
    log: silentLog,
    clock: new SystemClock(),
    random: new SystemRandom(),
    lifecycle,
    fatal: (error: unknown) => {
      throw error;
    },
  };
  const options = await cloudOptions(values);
  const host = { name: 'here', memoryUsage: () => process.memoryUsage() };
  const manager = { component: 'cloud-controller-manager', set: cloudControllers, enabled: values.controllers, host };
  await startManager({ ...manager, optionsOf: () => options }, values, context);
  return () => lifecycle.stop();
}

beforeAll(async () => {
  server = await WireServer.start({ grpcPort: await freePort() });
  admin = await server.as('admin', 'system:masters');
  const { ca, cert, key } = await server.certificate('cloud', 'system:masters');
  const text = renderKubeconfig({
    cluster: 'c',
    server: server.base,
    authorityPem: ca,
    user: 'cloud',
    certificatePem: cert,
    keyPem: key,
  });
  writeFileSync(join(folder, 'kubeconfig'), text);
  writeMachines([machine]);
  stop = await startProgram();
});

afterAll(async () => {
  await stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const make = async (name: string, spec: object = {}) => {
  const body = { metadata: { name }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec } };
  expect((await admin.call('POST', services, { body })).code).toBe(201);
};
const read = async (name: string) => {
  const { code, body } = await admin.call('GET', `${services}/${name}`);
  return code === 200 ? { ingress: body.status.loadBalancer.ingress, finalizers: body.metadata.finalizers } : code;
};
const cleanup = ['service.kubernetes.io/load-balancer-cleanup'];

test('a Service gets an address by what the role of the controller allows, and a deleted one is let go', async () => {
  await make('web');
  await expect.poll(() => read('web')).toEqual({ ingress: [{ ip: '10.251.0.1', ipMode: 'VIP' }], finalizers: cleanup });
  expect((await admin.call('DELETE', `${services}/web`)).code).toBe(200);
  await expect.poll(() => read('web')).toBe(404);
});

test('a Service that becomes another type keeps nothing of it', async () => {
  await make('other');
  await expect.poll(() => read('other')).toMatchObject({ ingress: [{ ip: '10.251.0.1' }] });
  await admin.call('PATCH', `${services}/other`, { type: merge, body: { spec: { type: 'ClusterIP' } } });
  await expect.poll(() => read('other')).toEqual({ ingress: undefined, finalizers: undefined });
});

test('the address outlives the program, and what was deleted meanwhile is let go by the next', async () => {
  await make('kept', { loadBalancerIP: '10.251.0.5' });
  await make('left', { loadBalancerIP: '10.251.0.4' });
  await expect.poll(() => read('kept')).toMatchObject({ ingress: [{ ip: '10.251.0.5' }] });
  await expect.poll(() => read('left')).toMatchObject({ ingress: [{ ip: '10.251.0.4' }] });
  await stop();
  await admin.call('DELETE', `${services}/left`);
  expect(await read('left')).toMatchObject({ finalizers: cleanup });
  stop = await startProgram();
  await expect.poll(() => read('left')).toBe(404);
  expect(await read('kept')).toMatchObject({ ingress: [{ ip: '10.251.0.5' }], finalizers: cleanup });
  const lease = await admin.call('GET', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/cloud-controller-manager');
  expect(lease.body.spec.leaseTransitions).toBeGreaterThan(0);
});

test('a node gets what its machine is, and goes with it, by what the role of the controller allows', async () => {
  const path = '/api/v1/nodes';
  const taint = { key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' };
  const body = { metadata: { name: 'worker-9' }, spec: { taints: [taint] } };
  expect((await admin.call('POST', path, { body })).code).toBe(201);
  const node = async () => {
    const { code, body } = await admin.call('GET', `${path}/worker-9`);
    if (code !== 200) return code;
    const { spec, status, metadata } = body;
    const taints = (spec.taints ?? []).map(({ key }: { key: string }) => key.split('/')[1]);
    const zone = metadata.labels?.['topology.kubernetes.io/zone'];
    return { id: spec.providerID, taints, zone, address: status.addresses?.[0]?.address };
  };
  // What the apiserver says of a node that has not reported stays.
  const known = { id: 'local://9', taints: ['not-ready'], zone: 'a', address: '10.0.0.9' };
  await expect.poll(node).toEqual(known);
  writeMachines([{ ...machine, shutdown: true }]);
  await expect.poll(node).toEqual({ ...known, taints: ['not-ready', 'shutdown'] });
  writeFileSync(join(folder, 'machines.json'), '');
  writeMachines([]);
  await expect.poll(node).toBe(404);
});

test.each([
  ['--cloud-config=/nowhere', '--cloud-config: ENOENT'],
  ['--pod-router=x', '--pod-router: --cluster-cidr must say which routes are of pods'],
  ['--concurrent-node-syncs=0', '--concurrent-node-syncs: expected at least 1'],
  ['--cloud-provider=other', '--cloud-provider: unknown cloud provider "other"'],
  ['--load-balancer-cidr=fd00::/64', '--load-balancer-cidr: "fd00::/64": expected an IPv4 range such as 10.251.0.0/24'],
  ['--load-balancer-router=x', '--load-balancer-router: there is nothing to route without --load-balancer-cidr'],
])('%s is refused', async (flag, message) => {
  await expect(cloudOptions(parseFlags(flags, [flag], dialect).values)).rejects.toThrow(message);
});
