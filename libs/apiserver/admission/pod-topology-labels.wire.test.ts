// PodTopologyLabels: what a pod says of the place of its node. Every answer recorded from the original:
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { afterAll, expect, test } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const namespace = 'pod-topology';
const core = `/api/v1/namespaces/${namespace}`;
const region = 'topology.kubernetes.io/region';
const zone = 'topology.kubernetes.io/zone';
let server: WireServer | undefined;

afterAll(() => server?.stop());

const nodes: Readonly<Record<string, object>> = {
  'pt-placed': { [zone]: 'z1', [region]: 'r1', 'topology.kubernetes.io/rack': '7', 'example.com/zone': 'no' },
  'pt-zone': { [zone]: 'z2', 'topology.k8s.io/region': 'no', 'failure-domain.beta.kubernetes.io/region': 'old' },
  'pt-nowhere': {},
};

function pod(name: string, nodeName: string | undefined, labels: object): object {
  const bound = nodeName === undefined ? { schedulerName: 'nobody' } : { nodeName };
  return { metadata: { name, labels }, spec: { containers: [{ name: 'c', image: 'i' }], ...bound } };
}

test('pods say where their nodes are', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = (await server?.as('admin', 'system:masters')) ?? ((await original?.('admin', 'system:masters')) as WireClient);
  await admin.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  await admin.call('POST', `${core}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  for (const [name, labels] of Object.entries(nodes))
    expect((await admin.call('POST', '/api/v1/nodes', { body: { metadata: { name, labels } } })).code).toBe(201);
  const recording = new Recording();
  const labelsOf = (labels: Readonly<Record<string, string>> | undefined): string =>
    JSON.stringify(Object.entries(labels ?? {}).sort());
  for (const [name, labels] of [
    ['pt-placed', {}],
    ['pt-placed', { [zone]: 'own', a: 'b' }],
    ['pt-zone', { a: 'b' }],
    ['pt-nowhere', {}],
    ['pt-missing', { a: 'b' }],
    [undefined, { a: 'b' }],
  ] as const) {
    const title = `a pod made for ${name}, with ${JSON.stringify(labels)}`;
    const { body } = await recording.ask(title, admin, 'POST', `${core}/pods?dryRun=All`, { body: pod('p', name, labels) });
    recording.note(labelsOf(body.metadata.labels));
  }
  const bind = async (name: string, title: string, labels: object, path: string, binding: object) => {
    expect((await admin.call('POST', `${core}/pods`, { body: pod(name, undefined, labels) })).code).toBe(201);
    const metadata = { name, ...(Object.hasOwn(binding, 'metadata') ? (binding as { metadata: object }).metadata : {}) };
    await recording.ask(title, admin, 'POST', `${core}/${path}`, { body: { ...binding, metadata } });
    const { body } = await admin.call('GET', `${core}/pods/${name}`);
    recording.note(`${body.spec.nodeName} ${labelsOf(body.metadata.labels)}`);
    await admin.call('DELETE', `${core}/pods/${name}`, { body: { gracePeriodSeconds: 0 } });
  };
  const target = (name: string, kind: string | undefined = 'Node') => ({ target: { kind, name } });
  await bind('a', 'bound', { a: 'b' }, 'pods/a/binding', target('pt-placed'));
  await bind('b', 'bound, with labels of its own', { [zone]: 'own' }, 'pods/b/binding', target('pt-placed'));
  await bind('c', 'bound, with labels of the binding', { [zone]: 'own' }, 'pods/c/binding', {
    ...target('pt-placed'),
    metadata: { labels: { [region]: 'said', x: 'y' }, annotations: { n: 'o' } },
  });
  await bind('d', 'bound to one that says less', {}, 'pods/d/binding', target('pt-zone'));
  await bind('e', 'bound to one that says nothing', {}, 'pods/e/binding', target('pt-nowhere'));
  await bind('f', 'bound to one that is not there', {}, 'pods/f/binding', target('pt-missing'));
  await bind('g', 'bound without a kind', {}, 'pods/g/binding', target('pt-placed', ''));
  await bind('h', 'bound by the old path', {}, 'bindings', target('pt-placed'));
  await bind('i', 'bound to something else', {}, 'pods/i/binding', target('pt-placed', 'Pod'));
  await bind('k', 'bound to nothing', {}, 'pods/k/binding', { target: { kind: 'Pod' } });
  await bind('j', 'as a trial', {}, 'pods/j/binding?dryRun=All', target('pt-placed'));
  recording.check(new URL('../testdata/pod-topology-labels.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
