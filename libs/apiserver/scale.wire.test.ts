// The scale of workloads: what it shows, and what is refused of it. Every answer recorded from the original:
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the namespace used must be free there).
import { afterAll, beforeAll, expect, test } from 'vitest';
import { originalFrom, Recording } from './testing/original.ts';
import { type WireClient, WireServer } from './testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const merge = { type: 'application/merge-patch+json' };
const namespace = 'scales';
let server: WireServer | undefined;
let user: WireClient;

beforeAll(async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  user = (await server?.operator()) ?? ((await original?.('admin')) as WireClient);
  await user.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
}, 60_000);

afterAll(() => server?.stop());

const labels = { app: 'web', tier: 'front' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const selector = { matchLabels: labels, matchExpressions: [{ key: 'no', operator: 'DoesNotExist' }] };
const spec = { replicas: 0, selector, template };
const kinds: readonly (readonly [string, object])[] = [
  ['/apis/apps/v1/namespaces/scales/deployments', spec],
  ['/apis/apps/v1/namespaces/scales/replicasets', spec],
  ['/apis/apps/v1/namespaces/scales/statefulsets', { ...spec, serviceName: 's' }],
  ['/api/v1/namespaces/scales/replicationcontrollers', { replicas: 0, selector: labels, template }],
];

/** Scales that are put, each in the place of what a GET gives. */
const puts: readonly (readonly [string, (scale: Record<string, unknown>) => object])[] = [
  ['three', (scale) => ({ ...scale, spec: { replicas: 3 } })],
  ['nothing said', (scale) => ({ ...scale, spec: undefined })],
  ['negative', (scale) => ({ ...scale, spec: { replicas: -1 } })],
  ['no whole number', (scale) => ({ ...scale, spec: { replicas: 1.5 } })],
  ['of another uid', (scale) => ({ ...scale, metadata: { ...(scale.metadata as object), uid: 'u' } })],
  ['negative, of another uid', () => ({ metadata: { name: 'web', namespace, uid: 'u' }, spec: { replicas: -5 } })],
  ['without a name', () => ({ spec: { replicas: 2 } })],
  ['of another name', () => ({ metadata: { name: 'other', namespace }, spec: { replicas: 2 } })],
  ['with a bad label', () => ({ metadata: { name: 'web', namespace, labels: { 'a b': 'c' } }, spec: { replicas: -2 } })],
  ['of another kind', (scale) => ({ ...scale, kind: 'Deployment', apiVersion: 'apps/v1' })],
];

const patches: readonly (readonly [string, object])[] = [
  ['two', { spec: { replicas: 2 } }],
  ['negative', { spec: { replicas: -1 } }],
  ['null', { spec: { replicas: null } }],
  ['the status', { status: { replicas: 7 } }],
  ['an older version', { metadata: { resourceVersion: '1' }, spec: { replicas: 2 } }],
];

test.each(kinds)('%s', async (path, own) => {
  const recording = new Recording();
  const resource = path.slice(path.lastIndexOf('/') + 1);
  const made = await user.call('POST', path, { body: { metadata: { name: 'web' }, spec: own } });
  expect(made.code).toBe(201);
  const { uid } = made.body.metadata;
  recording.hide(uid, 'UID');
  const ask = async (title: string, method: string, url: string, request = {}) => {
    const answer = await recording.ask(title, user, method, url, request);
    if (answer.code >= 300) return answer;
    const { metadata, ...rest } = answer.body;
    expect(metadata.uid).toBe(uid);
    expect(metadata.resourceVersion).toMatch(/^\d+$/);
    expect(metadata.creationTimestamp).toBe(made.body.metadata.creationTimestamp);
    recording.note(`${Object.keys(metadata).sort()} ${JSON.stringify(rest)}`);
    return answer;
  };
  const scale = `${path}/web/scale`;
  const shown = await ask('shown', 'GET', scale);
  const { resourceVersion: _version, ...metadata } = shown.body.metadata;
  for (const [title, change] of puts)
    await ask(`put, ${title}`, 'PUT', `${scale}?dryRun=All`, { body: change({ ...shown.body, metadata }) });
  for (const [title, body] of patches) await ask(`patch, ${title}`, 'PATCH', `${scale}?dryRun=All`, { body, ...merge });
  await ask('deleted', 'DELETE', scale);
  recording.check(new URL(`./testdata/scale/${resource}.txt`, import.meta.url), process.env.UPDATE === '1');
});
