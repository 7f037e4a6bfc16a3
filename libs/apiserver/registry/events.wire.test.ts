// Events are one thing under two groups: what is written through either is found by the fields of both. Every answer recorded from
// the original: UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { afterAll, expect, test } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const namespace = 'two-groups';
const core = `/api/v1/namespaces/${namespace}/events`;
const grouped = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
let server: WireServer | undefined;

afterAll(() => server?.stop());

const reference = { namespace, kind: 'Pod', name: 'p', uid: 'u', apiVersion: 'v1', resourceVersion: '7', fieldPath: 'spec' };
const whole = (value: string) =>
  ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((field) => `${value}.${field}`);
const values: Readonly<Record<string, string>> = { ...reference };

test('events are found by the fields of their group', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = (await server?.as('admin', 'system:masters')) ?? ((await original?.('admin', 'system:masters')) as WireClient);
  await admin.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  const made = await admin.call('POST', grouped, {
    body: {
      metadata: { name: 'new' },
      regarding: reference,
      eventTime: '2017-09-19T13:49:16.000000Z',
      note: 'n',
      action: 'Do',
      reason: 'Test',
      type: 'Normal',
      reportingController: 'controller-a',
      reportingInstance: 'i',
    },
  });
  expect(made.code).toBe(201);
  const old = await admin.call('POST', core, {
    body: {
      metadata: { name: 'old' },
      involvedObject: { ...reference, name: 'q' },
      reason: 'Other',
      type: 'Warning',
      message: 'm',
      source: { component: 'controller-b', host: 'h' },
    },
  });
  expect(old.code).toBe(201);
  const recording = new Recording();
  const find = async (path: string, selector: string) => {
    const { body } = await recording.ask(selector, admin, 'GET', `${path}?fieldSelector=${encodeURIComponent(selector)}`);
    recording.note((body.items ?? []).map(({ metadata }: { metadata: { name: string } }) => metadata.name).join(' '));
  };
  const fields = ['reason=Test', 'type=Warning', 'metadata.name=new', 'metadata.namespace!=x'];
  const components = ['source=controller-a', 'source=controller-b', 'reportingComponent=controller-a'].concat(
    'reportingController=controller-a',
    'reportingController=controller-b',
    'reportingController!=controller-a',
  );
  for (const path of [core, grouped]) {
    for (const each of [...fields, ...components]) await find(path, each);
    for (const each of [...whole('regarding'), ...whole('involvedObject')])
      await find(path, `${each}=${values[each.slice(each.indexOf('.') + 1)]}`);
  }
  recording.check(new URL('../testdata/events.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
