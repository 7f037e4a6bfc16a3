// What makes a pod the mirror of one that a kubelet runs by itself, or says how it is confined, is said when it is made. Every answer
// recorded from the original: UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { afterAll, expect, test } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const pods = '/api/v1/namespaces/mirror-pods/pods';
const mirror = 'kubernetes.io/config.mirror';
const appArmor = 'container.apparmor.security.beta.kubernetes.io/c';
let server: WireServer | undefined;

afterAll(() => server?.stop());

test('who may write a pod makes no mirror of it, and no pod of a mirror', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = (await server?.as('admin', 'system:masters')) ?? ((await original?.('admin', 'system:masters')) as WireClient);
  await admin.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'mirror-pods' } } });
  await admin.call('POST', '/api/v1/namespaces/mirror-pods/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const recording = new Recording();
  const make = (title: string, name: string, annotations: object, nodeName?: string) => {
    const spec = { containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 0, ...(nodeName && { nodeName }) };
    return recording.ask(title, admin, 'POST', pods, { body: { metadata: { name, annotations }, spec } });
  };
  await make('a mirror on no node', 'none', { [mirror]: 'x' });
  await make('a mirror', 'mirror', { [mirror]: 'x' }, 'missing');
  await make('a confined pod', 'confined', { [appArmor]: 'runtime/default' }, 'missing');
  expect((await make('a pod', 'pod', { own: 'x' }, 'missing')).code).toBe(201);
  const type = 'application/merge-patch+json';
  for (const [title, name, annotations] of [
    ['made a mirror', 'pod', { [mirror]: 'x' }],
    ['made an empty mirror', 'pod', { [mirror]: '' }],
    ['no mirror any more', 'mirror', { [mirror]: null }],
    ['the mirror of another', 'mirror', { [mirror]: 'y' }],
    ['still a mirror', 'mirror', { [mirror]: 'x', own: 'y' }],
    ['confined', 'pod', { [appArmor]: 'unconfined' }],
    ['confined no longer', 'confined', { [appArmor]: null }],
    ['confined in another way', 'confined', { [appArmor]: 'unconfined' }],
    ['otherwise', 'pod', { own: 'y', 'kubernetes.io/config.hash': 'x', 'kubernetes.io/config.source': 'file' }],
  ] as const) {
    await recording.ask(title, admin, 'PATCH', `${pods}/${name}`, { body: { metadata: { annotations } }, type });
    await recording.ask(`${title}, by its status`, admin, 'PATCH', `${pods}/${name}/status`, {
      body: { metadata: { annotations }, status: { message: title } },
      type,
    });
    const { body } = await admin.call('GET', `${pods}/${name}`);
    recording.note(JSON.stringify(Object.entries(body.metadata.annotations).sort()));
  }
  const ephemeral = {
    metadata: { annotations: { [mirror]: 'x' } },
    spec: { ephemeralContainers: [{ name: 'e', image: 'i' }] },
  };
  await recording.ask('by a debugging container', admin, 'PATCH', `${pods}/pod/ephemeralcontainers`, { body: ephemeral, type });
  const { body: pod } = await admin.call('GET', `${pods}/pod`);
  recording.note(JSON.stringify(Object.entries(pod.metadata.annotations).sort()));
  const binding = { metadata: { name: 'free', annotations: { [mirror]: 'x' } }, target: { kind: 'Node', name: 'missing' } };
  await make('an unbound pod', 'free', {});
  await recording.ask('by a binding', admin, 'POST', `${pods}/free/binding`, { body: binding });
  recording.note(JSON.stringify((await admin.call('GET', `${pods}/free`)).body.metadata.annotations ?? {}));
  for (const name of ['pod', 'mirror', 'confined', 'free'])
    await admin.call('DELETE', `${pods}/${name}`, { body: { gracePeriodSeconds: 0 } });
  recording.check(new URL('../testdata/mirror-pods.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
