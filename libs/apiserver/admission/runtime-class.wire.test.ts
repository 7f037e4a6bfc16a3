// RuntimeClass: what a class gives to a pod that names it, and what no pod may say itself. Every answer recorded from the original:
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { afterAll, expect, test, vi } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const classes = '/apis/node.k8s.io/v1/runtimeclasses';
const namespace = 'runtime-class';
const pods = `/api/v1/namespaces/${namespace}/pods`;
const merge = { type: 'application/merge-patch+json' };
let server: WireServer | undefined;

afterAll(() => server?.stop());

const podFixed = { cpu: '250m', memory: '120Mi' };
const nodeSelector = { sandbox: 'yes', disk: 'fast' };
const tolerations = [
  { key: 'sandbox', operator: 'Equal', value: 'yes', effect: 'NoSchedule' },
  { key: 'spare', operator: 'Exists' },
];

const runtimeClasses = [
  { metadata: { name: 'plain' }, handler: 'runc' },
  { metadata: { name: 'heavy' }, handler: 'kata', overhead: { podFixed } },
  { metadata: { name: 'no-overhead' }, handler: 'kata', overhead: {} },
  { metadata: { name: 'placed' }, handler: 'kata', scheduling: { nodeSelector, tolerations } },
  { metadata: { name: 'tolerant' }, handler: 'kata', scheduling: { tolerations } },
  { metadata: { name: 'both' }, handler: 'kata', overhead: { podFixed }, scheduling: { nodeSelector } },
];

function pod(name: string, spec: object): object {
  return { metadata: { name }, spec: { schedulerName: 'nobody', containers: [{ name: 'c', image: 'i' }], ...spec } };
}

const created: readonly (readonly [string, object])[] = [
  ['without a class', {}],
  ['an overhead without a class', { overhead: podFixed }],
  ['a class that is not there', { runtimeClassName: 'absent' }],
  ['a class whose name cannot be', { runtimeClassName: 'No_Name' }],
  ['a class with an empty name', { runtimeClassName: '' }],
  ['a class that says nothing', { runtimeClassName: 'plain' }],
  ['a class that says nothing, and an overhead', { runtimeClassName: 'plain', overhead: podFixed }],
  ['a class with an overhead', { runtimeClassName: 'heavy' }],
  ['the same overhead', { runtimeClassName: 'heavy', overhead: podFixed }],
  ['the same overhead in other words', { runtimeClassName: 'heavy', overhead: { cpu: '0.25', memory: '122880Ki' } }],
  ['another overhead', { runtimeClassName: 'heavy', overhead: { cpu: '251m', memory: '120Mi' } }],
  ['less overhead', { runtimeClassName: 'heavy', overhead: { cpu: '250m' } }],
  ['an empty overhead', { runtimeClassName: 'heavy', overhead: {} }],
  ['a class with an empty overhead', { runtimeClassName: 'no-overhead' }],
  ['an overhead where the class has an empty one', { runtimeClassName: 'no-overhead', overhead: podFixed }],
  ['a class with a place', { runtimeClassName: 'placed' }],
  ['a place of its own', { runtimeClassName: 'placed', nodeSelector: { rack: '7', disk: 'fast' } }],
  ['a place that contradicts', { runtimeClassName: 'placed', nodeSelector: { disk: 'slow' } }],
  [
    'tolerations of its own',
    {
      runtimeClassName: 'placed',
      tolerations: [{ key: 'own', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
    },
  ],
  [
    'tolerations that the class has, too',
    { runtimeClassName: 'tolerant', tolerations: [tolerations[0], { key: 'spare', operator: 'Exists', effect: 'NoSchedule' }] },
  ],
  ['a toleration of everything', { runtimeClassName: 'tolerant', tolerations: [{ operator: 'Exists' }] }],
  [
    'the same toleration for another time',
    {
      runtimeClassName: 'tolerant',
      tolerations: [{ key: 'sandbox', operator: 'Equal', value: 'yes', effect: 'NoExecute', tolerationSeconds: 9 }],
    },
  ],
  ['an overhead and a place', { runtimeClassName: 'both', nodeSelector: { rack: '7' } }],
];

test('what a class gives to a pod', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = (await server?.as('admin', 'system:masters')) ?? ((await original?.('admin', 'system:masters')) as WireClient);
  await admin.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  await admin.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  for (const body of runtimeClasses) expect((await admin.call('POST', classes, { body })).code).toBe(201);
  const recording = new Recording();
  for (const [title, spec] of created) {
    const { code, body } = await recording.ask(title, admin, 'POST', `${pods}?dryRun=All`, { body: pod('p', spec) });
    if (code !== 201) continue;
    const { overhead, nodeSelector, tolerations } = body.spec;
    const keys = ['cpu', 'memory', 'disk', 'rack', 'sandbox'];
    recording.note(
      `${JSON.stringify({ overhead, nodeSelector }, keys.concat('overhead', 'nodeSelector'))} ${JSON.stringify(tolerations)}`,
    );
  }
  await recording.ask('a pod with a class stays', admin, 'POST', pods, { body: pod('stays', { runtimeClassName: 'heavy' }) });
  const change = (title: string, path: string, body: object) =>
    recording.ask(title, admin, 'PATCH', `${path}?dryRun=All`, { body, ...merge });
  for (const spec of [{ overhead: { cpu: '1' } }, { overhead: null }, { runtimeClassName: null }]) {
    const { code, body } = await admin.call('PATCH', `${pods}/stays?dryRun=All`, { body: { spec }, ...merge });
    expect([code, body.message]).toEqual([422, expect.stringContaining('spec: Forbidden: pod updates may not change fields')]);
  }
  await change("the class's overhead", `${classes}/heavy`, { overhead: { podFixed: { cpu: '1' } } });
  await change("the class's handler", `${classes}/heavy`, { handler: 'other' });
  await change("the class's place", `${classes}/heavy`, { scheduling: { nodeSelector: { a: 'b' } } });
  await change('labels of the class', `${classes}/heavy`, { metadata: { labels: { a: 'b' } } });
  await recording.ask('the class goes', admin, 'DELETE', `${classes}/heavy`);
  await change('labels of the pod after that', `${pods}/stays`, { metadata: { labels: { a: 'b' } } });
  await recording.ask('no further pod', admin, 'POST', pods, { body: pod('late', { runtimeClassName: 'heavy' }) });
  await recording.ask('a class of the same name', admin, 'POST', classes, { body: { ...runtimeClasses[1], handler: 'runc' } });
  await recording.ask('a further pod', admin, 'POST', pods, { body: pod('late', { runtimeClassName: 'heavy' }) });
  // What a sandbox takes itself counts for a quota, and not for the bounds of a LimitRange.
  const others = `/api/v1/namespaces/${namespace}`;
  const limits = [{ type: 'Pod', max: { cpu: '1' } }];
  await admin.call('POST', `${others}/limitranges`, { body: { metadata: { name: 'bound' }, spec: { limits } } });
  const sized = (cpu: string, more: object = {}) => {
    const resources = { requests: { cpu }, limits: { cpu } };
    return pod('sized', { runtimeClassName: 'both', containers: [{ name: 'c', image: 'i', resources }], ...more });
  };
  const tooLarge = async () => (await admin.call('POST', `${pods}?dryRun=All`, { body: sized('2') })).code;
  await vi.waitFor(async () => expect(await tooLarge()).toBe(403), 10_000);
  await recording.ask('more than the bound', admin, 'POST', `${pods}?dryRun=All`, { body: sized('1001m') });
  await recording.ask('more only with its overhead', admin, 'POST', `${pods}?dryRun=All`, { body: sized('900m') });
  await admin.call('DELETE', `${others}/limitranges/bound`);
  const hard = { 'requests.cpu': '1', 'limits.cpu': '1' };
  await admin.call('POST', `${others}/resourcequotas`, { body: { metadata: { name: 'q' }, spec: { hard } } });
  const status = { hard, used: { 'requests.cpu': '0', 'limits.cpu': '0' } };
  await admin.call('PATCH', `${others}/resourcequotas/q/status`, { body: { status }, ...merge });
  const overQuota = async () => (await admin.call('POST', `${pods}?dryRun=All`, { body: sized('999m') })).code;
  await vi.waitFor(async () => expect(await overQuota()).toBe(403), 10_000);
  await recording.ask('within the quota', admin, 'POST', `${pods}?dryRun=All`, { body: sized('750m') });
  await recording.ask('beyond it with its overhead', admin, 'POST', `${pods}?dryRun=All`, { body: sized('751m') });
  await admin.call('DELETE', `${others}/resourcequotas/q`);
  const strange = [
    { handler: 'UPPER' },
    { handler: 'runc', overhead: { podFixed: { cpu: '-1' } } },
    { handler: 'runc', overhead: { podFixed: { 'example.com/gpu': '1.5' } } },
    { handler: 'runc', scheduling: { nodeSelector: { '-a': 'b' } } },
    { handler: 'runc', scheduling: { tolerations: [{ key: 'a', operator: 'Bigger' }] } },
    { handler: 'runc', scheduling: { tolerations: [tolerations[0], tolerations[0]] } },
    {},
  ];
  for (const parts of strange)
    await recording.ask(JSON.stringify(parts), admin, 'POST', `${classes}?dryRun=All`, {
      body: { metadata: { name: 'strange' }, ...parts },
    });
  recording.check(new URL('../testdata/runtime-class.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
