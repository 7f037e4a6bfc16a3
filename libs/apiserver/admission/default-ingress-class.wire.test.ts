// DefaultIngressClass: which class an Ingress gets that names none. Every answer recorded from the original:
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { afterAll, expect, test, vi } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const classes = '/apis/networking.k8s.io/v1/ingressclasses';
const namespace = 'ingress-class';
const ingresses = `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`;
const merge = { type: 'application/merge-patch+json' };
const isDefault = (value: string) => ({ 'ingressclass.kubernetes.io/is-default-class': value });
let server: WireServer | undefined;

afterAll(() => server?.stop());

const spec = { defaultBackend: { service: { name: 's', port: { number: 80 } } } };
const ingress = (more: object = {}, annotations: object = {}): object => ({
  metadata: { name: 'i', annotations },
  spec: { ...spec, ...more },
});

test('the class of an Ingress that names none', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = (await server?.as('admin', 'system:masters')) ?? ((await original?.('admin', 'system:masters')) as WireClient);
  await admin.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  const recording = new Recording();
  const make = async (name: string, value: string) => {
    const body = { metadata: { name, annotations: isDefault(value) }, spec: { controller: 'a.b/c' } };
    expect((await admin.call('POST', classes, { body })).code).toBe(201);
  };
  const ask = async (title: string, body: object) => {
    const answer = await recording.ask(title, admin, 'POST', `${ingresses}?dryRun=All`, { body });
    recording.note(String(answer.body.spec?.ingressClassName));
  };
  /** Plugins look at what they follow, a moment later. */
  const settled = (name: string) =>
    vi.waitFor(async () => {
      const { body } = await admin.call('POST', `${ingresses}?dryRun=All`, { body: ingress() });
      expect(String(body.spec.ingressClassName)).toBe(name);
    }, 10_000);
  await make('no-default', 'false');
  await make('other-word', 'True');
  await ask('no default', ingress());
  await make('b-first', 'true');
  await settled('b-first');
  await ask('one default', ingress());
  await ask('a class of its own', ingress({ ingressClassName: 'other' }));
  await ask('an empty class', ingress({ ingressClassName: '' }));
  await ask('the annotation instead', ingress({}, { 'kubernetes.io/ingress.class': 'nginx' }));
  await ask('an empty annotation', ingress({}, { 'kubernetes.io/ingress.class': '' }));
  await ask('both', ingress({ ingressClassName: 'x' }, { 'kubernetes.io/ingress.class': 'nginx' }));
  // Times of creation are in seconds.
  await new SystemClock().sleep(1_100);
  await make('a-second', 'true');
  await settled('a-second');
  await ask('two defaults: the newer one', ingress());
  await make('0-third', 'true');
  await make('1-fourth', 'true');
  await admin.call('DELETE', `${classes}/a-second`);
  await settled('0-third');
  await ask('equally old ones: the first by name', ingress());
  const first = await recording.ask('stored', admin, 'POST', ingresses, { body: ingress() });
  recording.note(String(first.body.spec.ingressClassName));
  const after = await recording.ask('an update takes the class away', admin, 'PATCH', `${ingresses}/i`, {
    body: { spec: { ingressClassName: null } },
    ...merge,
  });
  recording.note(String(after.body.spec.ingressClassName));
  recording.check(new URL('../testdata/default-ingress-class.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
