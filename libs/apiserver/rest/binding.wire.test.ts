// Pods get their node once, from who may give it: the scheduler.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type WireClient, WireServer } from '../testing/wire.ts';

const pods = '/api/v1/namespaces/default/pods';
let server: WireServer;
let operator: WireClient;
let scheduler: WireClient;

beforeAll(async () => {
  server = await WireServer.start();
  operator = await server.operator();
  scheduler = await server.as('system:kube-scheduler');
  await operator.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
}, 60_000);

afterAll(() => server.stop());

function bind(who: WireClient, name: string, node: string, metadata: object = {}) {
  const body = { metadata: { name, ...metadata }, target: { kind: 'Node', name: node } };
  return who.call('POST', `${pods}/${name}/binding`, { body });
}

async function makePod(name: string) {
  const { body } = await operator.call('POST', pods, {
    body: { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  });
  return body;
}

test('the scheduler nominates and binds; the nomination ends with the binding, and there is no second one', async () => {
  const { metadata } = await makePod('p');
  const type = 'application/strategic-merge-patch+json';
  const nominate = { body: { status: { nominatedNodeName: 'n9' } }, type };
  expect((await scheduler.call('PATCH', `${pods}/p/status`, nominate)).body.status.nominatedNodeName).toBe('n9');
  expect((await bind(await server.as('stranger'), 'p', 'n1')).code).toBe(403);
  expect((await bind(scheduler, 'p', 'n1', { uid: 'of another' })).code).toBe(409);
  expect((await bind(scheduler, 'p', 'n1', { uid: metadata.uid })).code).toBe(201);
  const { spec, status } = (await operator.call('GET', `${pods}/p`)).body;
  expect([spec.nodeName, status.nominatedNodeName]).toEqual(['n1', undefined]);
  expect(status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
  expect((await bind(scheduler, 'p', 'n2')).body.message).toContain('pod p is already assigned to node "n1"');
  expect((await scheduler.call('PATCH', `${pods}/p/status`, nominate)).code).toBe(422);
});

test('a pod that is being deleted, and one that has gates, get none', async () => {
  await makePod('going');
  await operator.call('PATCH', `${pods}/going`, {
    body: { metadata: { finalizers: ['test/keep'] } },
    type: 'application/merge-patch+json',
  });
  await operator.call('DELETE', `${pods}/going`);
  expect((await bind(scheduler, 'going', 'n1')).body.message).toContain('is being deleted');
  const spec = { containers: [{ name: 'c', image: 'i' }], schedulingGates: [{ name: 'test/wait' }] };
  const { body } = await operator.call('POST', pods, { body: { metadata: { name: 'gated' }, spec } });
  expect(body.status).toEqual({
    phase: 'Pending',
    qosClass: 'BestEffort',
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
        lastProbeTime: null,
        lastTransitionTime: body.metadata.creationTimestamp,
      },
    ],
  });
  expect((await bind(scheduler, 'gated', 'n1')).body.message).toContain('has non-empty .spec.schedulingGates');
  expect((await bind(scheduler, 'absent', 'n1')).code).toBe(404);
});
