import type { Endpoints, Pod, Service } from '@drydock/api/generated/types.ts';
import { endpoints } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { pod, service } from '../testing/objects.ts';
import { addressesMax, overCapacityAnnotation, planEndpoints } from './plan.ts';

function plan(svc: Service, pods: readonly Pod[], current?: Endpoints) {
  return planEndpoints({ service: svc, pods, current, triggerTime: undefined }).actions;
}

function text(subsets: Endpoints['subsets']): string[] {
  return (subsets ?? []).map((subset) => {
    const ips = (list: { ip: string }[] | undefined) => (list ?? []).map((address) => address.ip).join(',');
    const ports = (subset.ports ?? []).map((port) => `${port.name ?? ''}:${port.port}`).join(',');
    return `${ips(subset.addresses)} | ${ips(subset.notReadyAddresses)} | ${ports}`;
  });
}

const two = service({
  ports: [
    { name: 'a', port: 1, targetPort: 81 },
    { name: 'b', port: 2, targetPort: 82 },
  ],
});
const one = pod('one', { ip: '10.1.0.1' });
const cases: [string, Service, Pod[], string[] | undefined][] = [
  ['no pods', service(), [], []],
  ['ready and not', service(), [pod('b', { ip: '10.1.0.2', ready: false }), one], ['10.1.0.1 | 10.1.0.2 | http:8080']],
  ['ports share a subset', two, [one], ['10.1.0.1 |  | a:81,b:82']],
  [
    'terminating and finished pods are out',
    service(),
    [pod('t', { ip: '10.1.0.3', deleting: true }), pod('f', { ip: '1.1.1.1', phase: 'Failed' })],
    [],
  ],
  [
    'published although terminating',
    service({ publishNotReadyAddresses: true }),
    [pod('t', { ip: '10.1.0.3', deleting: true })],
    ['10.1.0.3 |  | http:8080'],
  ],
  ['headless without ports', service({ clusterIP: 'None', ports: [] }), [one], ['10.1.0.1 |  | ']],
  ['no selector', { ...service(), spec: {} }, [one], undefined],
];

test.each(cases)('%s', (_, svc, pods, expected) => {
  const [action] = plan(svc, pods);
  expect(action?.verb === 'create' ? text((action.object as Endpoints).subsets) : undefined).toEqual(expected);
});

test.each(cases)('fixpoint: %s', (_, svc, pods) => {
  const model = new Model();
  model.apply(plan(svc, pods));
  expect(plan(svc, [...pods].reverse(), model.list(endpoints)[0])).toEqual(
    expect.objectContaining({ length: model.list(endpoints).length === 0 ? plan(svc, pods).length : 0 }),
  );
});

test('above the bound, addresses that are not ready go first and the object says so', () => {
  const pods = Array.from({ length: addressesMax + 2 }, (_, i) =>
    pod(`p${i}`, { ip: `10.1.${i >> 8}.${i & 255}`, ready: i > 5 }),
  );
  const [action] = plan(service(), pods);
  const object = action?.verb === 'create' ? (action.object as Endpoints) : undefined;
  expect(object?.metadata?.annotations?.[overCapacityAnnotation]).toBe('truncated');
  expect(object?.subsets?.[0]?.addresses).toHaveLength(addressesMax - 4);
  expect(object?.subsets?.[0]?.notReadyAddresses).toHaveLength(4);

  // With as many as there is room for it says so no more; what others have noted stays.
  const noted = { ...object, metadata: { ...object?.metadata, annotations: { ...object?.metadata?.annotations, mine: 'x' } } };
  const [less] = plan(service(), pods.slice(2), noted as Endpoints);
  const after = less?.verb === 'update' ? (less.object as Endpoints) : undefined;
  expect(after?.metadata?.annotations).toEqual({ mine: 'x' });
  expect(after?.subsets?.[0]?.addresses).toHaveLength(addressesMax - 4);
  expect(plan(service(), pods.slice(2), after)).toEqual([]);
  const [more] = plan(service(), pods, after);
  expect(more?.verb === 'update' ? more.object.metadata?.annotations : undefined).toEqual({
    mine: 'x',
    [overCapacityAnnotation]: 'truncated',
  });
});
