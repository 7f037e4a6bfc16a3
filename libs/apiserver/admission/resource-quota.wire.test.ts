// ResourceQuota on updates: what a change of a Service or a claim uses. Every answer, and what the quota says after it, recorded
// from the original: UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew, on one that runs without its controllers
// (the names used must be free there). Below: servers that share a store let nobody beyond a limit.
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { afterAll, expect, test, vi } from 'vitest';
import { MemoryStore } from '../testing/memory-store.ts';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const merge = { type: 'application/merge-patch+json' };
const servers: WireServer[] = [];

afterAll(() => Promise.all(servers.map((server) => server.stop())));

async function start(...args: Parameters<typeof WireServer.start>): Promise<WireClient> {
  const server = await WireServer.start(...args);
  servers.push(server);
  return server.as('admin', 'system:masters');
}

async function admin(): Promise<WireClient> {
  return original === undefined ? start() : original('admin', 'system:masters');
}

interface QuotaSpec {
  readonly hard: Readonly<Record<string, string>>;
  readonly scopes?: readonly string[];
  readonly scopeSelector?: object;
}

/** A quota that counts from now on. */
async function quota(client: WireClient, namespace: string, name: string, spec: QuotaSpec): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
  expect((await client.call('POST', path, { body: { metadata: { name }, spec } })).code).toBe(201);
  const used = Object.fromEntries(Object.keys(spec.hard).map((each) => [each, '0']));
  const body = { status: { hard: spec.hard, used } };
  expect((await client.call('PATCH', `${path}/${name}/status`, { body, ...merge })).code).toBe(200);
}

test('changes of Services', async () => {
  const client = await admin();
  const namespace = 'quota-services';
  const services = `/api/v1/namespaces/${namespace}/services`;
  await client.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  await quota(client, namespace, 'q', { hard: { services: '3', 'services.nodeports': '2', 'services.loadbalancers': '1' } });
  const port = (number: number) => ({ name: `p${number}`, port: number });
  const three = { metadata: { name: 'three' }, spec: { type: 'NodePort', ports: [1, 2, 3].map(port) } };
  await vi.waitFor(async () => expect((await client.call('POST', services, { body: three })).code).toBe(403), 10_000);
  const recording = new Recording();
  const told = async (): Promise<void> => {
    const { body } = await client.call('GET', `/api/v1/namespaces/${namespace}/resourcequotas/q`);
    recording.note(JSON.stringify(body.status.used, ['services', 'services.nodeports', 'services.loadbalancers']));
  };
  const make = async (title: string, name: string, spec: object) => {
    await recording.ask(title, client, 'POST', services, { body: { metadata: { name }, spec } });
    await told();
  };
  const change = async (title: string, path: string, body: object) => {
    await recording.ask(title, client, 'PATCH', `${services}/${path}`, { body, ...merge });
    await told();
  };
  await make('a Service', 'a', { ports: [port(1)] });
  await change('labels', 'a', { metadata: { labels: { a: 'b' } } });
  await change('a node port, as a trial', 'a?dryRun=All', { spec: { type: 'NodePort' } });
  await change('a node port', 'a', { spec: { type: 'NodePort' } });
  await change('a load balancer', 'a', { spec: { type: 'LoadBalancer' } });
  await change('a second port', 'a', { spec: { ports: [port(1), port(2)] } });
  await change('a third port', 'a', { spec: { ports: [port(1), port(2), port(3)] } });
  await change('its status', 'a/status', { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } });
  await make('another Service', 'b', { ports: [port(1)] });
  await change('a second load balancer', 'b', { spec: { type: 'LoadBalancer' } });
  await change('one without node ports', 'b', { spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false } });
  await change('a node port of the other one', 'b', { spec: { type: 'NodePort' } });
  await change('a port less', 'a', { spec: { ports: [port(1)] } });
  await change('no load balancer any more', 'a', { spec: { type: 'ClusterIP' } });
  await make('a name for something else', 'c', { type: 'ExternalName', externalName: 'example.com' });
  await make('one too many', 'd', { ports: [port(1)] });
  await change('the name becomes a node port', 'c', { spec: { type: 'NodePort', externalName: null, ports: [port(1)] } });
  recording.check(new URL('../testdata/quota-services.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);

test('changes of claims', async () => {
  const client = await admin();
  const namespace = 'quota-claims';
  const claims = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
  await client.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  for (const name of ['qc-gold', 'qc-silver']) {
    const body = { metadata: { name }, provisioner: 'example.com/none', allowVolumeExpansion: true };
    expect((await client.call('POST', '/apis/storage.k8s.io/v1/storageclasses', { body })).code).toBe(201);
  }
  const gold = 'qc-gold.storageclass.storage.k8s.io/requests.storage';
  const goldCount = 'qc-gold.storageclass.storage.k8s.io/persistentvolumeclaims';
  const hard = { persistentvolumeclaims: '4', 'requests.storage': '12Gi', [gold]: '4Gi', [goldCount]: '2' };
  await quota(client, namespace, 'q', { hard });
  const scopeSelector = {
    matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['fast'] }],
  };
  await quota(client, namespace, 'fast', { hard: { 'requests.storage': '3Gi' }, scopeSelector });
  const claim = (name: string, storage: string, parts: object): object => ({
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], volumeName: `v-${name}`, resources: { requests: { storage } }, ...parts },
  });
  const huge = (storageClassName: string, more: object = {}) => claim('huge', '13Gi', { storageClassName, ...more });
  for (const body of [huge('qc-silver'), huge('qc-silver', { volumeAttributesClassName: 'fast' })])
    await vi.waitFor(async () => expect((await client.call('POST', claims, { body })).code).toBe(403), 10_000);
  const recording = new Recording();
  const told = async (): Promise<void> => {
    for (const [name, fields] of [
      ['q', ['persistentvolumeclaims', 'requests.storage', gold, goldCount]],
      ['fast', ['requests.storage']],
    ] as const) {
      const { body } = await client.call('GET', `/api/v1/namespaces/${namespace}/resourcequotas/${name}`);
      recording.note(`${name} ${JSON.stringify(body.status.used, [...fields])}`);
    }
  };
  const make = async (title: string, name: string, storage: string, parts: object) => {
    await recording.ask(title, client, 'POST', claims, { body: claim(name, storage, parts) });
    await told();
    const status = { phase: 'Bound', capacity: { storage }, accessModes: ['ReadWriteOnce'] };
    if (Object.hasOwn(parts, 'volumeName')) return;
    await client.call('PATCH', `${claims}/${name}/status`, { body: { status }, ...merge });
  };
  const change = async (title: string, path: string, spec: object) => {
    await recording.ask(title, client, 'PATCH', `${claims}/${path}`, { body: { spec }, ...merge });
    await told();
  };
  const size = (storage: string) => ({ resources: { requests: { storage } } });
  await make('a claim', 'a', '1Gi', { storageClassName: 'qc-gold' });
  await change('larger, as a trial', 'a?dryRun=All', size('2Gi'));
  await change('larger', 'a', size('3Gi'));
  await change('larger than its class may have', 'a', size('5Gi'));
  await change('back to what it had', 'a', size('2Gi'));
  await make('another class', 'b', '2Gi', { storageClassName: 'qc-silver' });
  await change('larger than all may have', 'b', size('12Gi'));
  await change('nearly as large as all may have', 'b', size('8Gi'));
  await make('no class, no volume yet', 'c', '100Mi', { volumeName: '' });
  await change('too much to have', 'b', size('10Gi'));
  await change('the class with the quota', 'c', { storageClassName: 'qc-gold' });
  await make('of a kind that is counted apart', 'd', '100Mi', {
    storageClassName: 'qc-silver',
    volumeAttributesClassName: 'slow',
  });
  await change('becomes of the kind', 'd', { volumeAttributesClassName: 'fast' });
  await change('more of the kind than there may be', 'b', { volumeAttributesClassName: 'fast' });
  await change('of the kind, as little as there may be', 'a', { volumeAttributesClassName: 'fast' });
  await change('of the kind no more', 'd', { volumeAttributesClassName: 'slow' });
  // What the volume of a claim has, or is about to be, counts as much as what the claim says.
  const report = async (title: string, name: string, status: object) => {
    await recording.ask(title, client, 'PATCH', `${claims}/${name}/status`, { body: { status }, ...merge });
    await told();
  };
  await report('a little more was given than it asks for', 'a', { allocatedResources: { storage: '2148Mi' } });
  await report('much more was given', 'a', { allocatedResources: { storage: '4Gi' } });
  await report('less was given', 'a', { allocatedResources: { storage: '1Gi' } });
  await report('its volume is of the kind', 'c', { currentVolumeAttributesClassName: 'fast' });
  await report('its volume becomes of the kind', 'd', {
    modifyVolumeStatus: { targetVolumeAttributesClassName: 'fast', status: 'InProgress' },
  });
  await report('a volume of the kind that is too large', 'b', { currentVolumeAttributesClassName: 'fast' });
  recording.check(new URL('../testdata/quota-claims.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);

test('changes of pods', async () => {
  const client = await admin();
  const namespace = 'quota-pods';
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  await client.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  await client.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  const resources = (cpu: string) => ({ requests: { cpu } });
  const pod = (name: string, cpu: string, more: object = {}) => ({
    metadata: { name },
    spec: { schedulerName: 'nobody', containers: [{ name: 'c', image: 'i', resources: resources(cpu) }], ...more },
  });
  // There before the quotas, and without what they demand.
  const plain = { metadata: { name: 'plain' }, spec: { schedulerName: 'nobody', containers: [{ name: 'c', image: 'i' }] } };
  expect((await client.call('POST', pods, { body: plain })).code).toBe(201);
  const hard = { pods: '2', 'requests.cpu': '1' };
  await quota(client, namespace, 'lasting', { hard, scopes: ['NotTerminating'] });
  await quota(client, namespace, 'ending', { hard: { pods: '1', 'requests.cpu': '500m' }, scopes: ['Terminating'] });
  for (const more of [{}, { activeDeadlineSeconds: 9 }]) {
    const body = pod('huge', '2', more);
    await vi.waitFor(async () => expect((await client.call('POST', pods, { body })).code).toBe(403), 10_000);
  }
  const recording = new Recording();
  const told = async (): Promise<void> => {
    for (const name of ['lasting', 'ending']) {
      const { body } = await client.call('GET', `/api/v1/namespaces/${namespace}/resourcequotas/${name}`);
      recording.note(`${name} ${JSON.stringify(body.status.used, ['pods', 'requests.cpu'])}`);
    }
  };
  const make = async (title: string, name: string, cpu: string, more: object = {}) => {
    await recording.ask(title, client, 'POST', pods, { body: pod(name, cpu, more) });
    await told();
  };
  const strategic = { type: 'application/strategic-merge-patch+json' };
  const change = async (title: string, path: string, body: object) => {
    await recording.ask(title, client, 'PATCH', `${pods}/${path}`, { body, ...strategic });
    await told();
  };
  await make('a pod', 'a', '100m');
  await change('another image', 'a', { spec: { containers: [{ name: 'c', image: 'j' }] } });
  await change('it gets an end, as a trial', 'a?dryRun=All', { spec: { activeDeadlineSeconds: 60 } });
  await change('it gets an end', 'a', { spec: { activeDeadlineSeconds: 60 } });
  await change('an earlier end', 'a', { spec: { activeDeadlineSeconds: 30 } });
  await make('a second pod', 'b', '100m');
  await change('an end beyond the quota', 'b', { spec: { activeDeadlineSeconds: 60 } });
  await make('a pod with an end', 'c', '100m', { activeDeadlineSeconds: 60 });
  await change('larger', 'b/resize', { spec: { containers: [{ name: 'c', resources: resources('200m') }] } });
  await change('larger than there may be', 'b/resize', { spec: { containers: [{ name: 'c', resources: resources('1') }] } });
  await change('smaller', 'b/resize', { spec: { containers: [{ name: 'c', resources: resources('50m') }] } });
  await change('labels of one that lacks requests', 'plain', { metadata: { labels: { a: 'b' } } });
  await change('an image of one that lacks requests', 'plain', { spec: { containers: [{ name: 'c', image: 'j' }] } });
  await change('an end of one that lacks requests', 'plain', { spec: { activeDeadlineSeconds: 60 } });
  await change('its status', 'b/status', { status: { phase: 'Failed' } });
  recording.check(new URL('../testdata/quota-pods.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);

test.skipIf(original !== undefined)(
  'two servers on one store let nobody beyond a limit',
  async () => {
    const clock = new SystemClock();
    const authority = await Authority.create('test-ca', clock.wallMs(), new SystemRandom().stream('test'));
    const store = new MemoryStore();
    const both = [await start({ authority }, store), await start({ authority }, store)];
    const [first, second] = both as [WireClient, WireClient];
    const namespace = 'quota-two';
    await first.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
    const hard = { 'count/configmaps': '10', services: '20', 'services.nodeports': '6' };
    await quota(first, namespace, 'q', { hard });
    const path = `/api/v1/namespaces/${namespace}`;
    const many = Array.from({ length: 40 }, (_, index) => index);
    const side = (index: number): WireClient => (index % 2 === 0 ? first : second);
    const counted = async (client: WireClient) =>
      (await client.call('POST', `${path}/configmaps?dryRun=All`, { body: {} })).code;
    for (const client of both) await vi.waitFor(async () => expect(await counted(client)).not.toBe(404), 10_000);
    const made = await Promise.all(
      many.map((index) => side(index).call('POST', `${path}/configmaps`, { body: { metadata: { name: `c${index}` } } })),
    );
    expect(made.filter(({ code }) => code === 201)).toHaveLength(10);
    expect(made.filter(({ code }) => code === 403)).toHaveLength(30);
    // Changes of what is there: each of 20 Services wants a node port, by both servers at once.
    const names = many.slice(0, 20).map((index) => `s${index}`);
    for (const name of names) {
      const body = { metadata: { name }, spec: { ports: [{ port: 1 }] } };
      expect((await first.call('POST', `${path}/services`, { body })).code).toBe(201);
    }
    await Promise.all(
      names.flatMap((name) =>
        both.map((client) =>
          client.call('PATCH', `${path}/services/${name}`, { body: { spec: { type: 'NodePort' } }, ...merge }),
        ),
      ),
    );
    const { items } = (await second.call('GET', `${path}/services`)).body;
    const open = items.filter(({ spec }: { spec: { type: string } }) => spec.type === 'NodePort');
    const { used } = (await first.call('GET', `${path}/resourcequotas/q`)).body.status;
    expect(open.length).toBeLessThanOrEqual(6);
    expect(open.length).toBeGreaterThan(0);
    expect([used['count/configmaps'], used.services]).toEqual(['10', '20']);
    // Who lost against the same change by the other server has been counted, until the quota controller counts anew.
    expect(Number(used['services.nodeports'])).toBeGreaterThanOrEqual(open.length);
    expect(Number(used['services.nodeports'])).toBeLessThanOrEqual(6);
  },
  60_000,
);
