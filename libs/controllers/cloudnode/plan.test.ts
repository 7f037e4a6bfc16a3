// What nodes are told of their machines, and what becomes of them.
import type { Node, NodeAddress } from '@drydock/api/generated/types.ts';
import { nodes } from '@drydock/api/resource.ts';
import { describe, expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { epochMs, meta } from '../testing/objects.ts';
import { addressesFor, providedAnnotation } from './addresses.ts';
import { type Machine, machineOf, machinesMax, parseInventory } from './inventory.ts';
import { planLifecycle, shutdownTaint } from './lifecycle-plan.ts';
import { planInitialized, planLabels, planUpToDate, uninitializedTaint } from './plan.ts';

const internal = (address: string): NodeAddress => ({ type: 'InternalIP', address });
const hostname: NodeAddress = { type: 'Hostname', address: 'n' };
const machine: Machine = {
  name: 'n',
  providerID: 'local://7',
  addresses: [internal('10.0.0.1'), internal('10.0.0.2'), { type: 'ExternalIP', address: '192.0.2.1' }],
  instanceType: 'small',
  zone: 'z',
  region: 'r',
  shutdown: false,
};
const newTaint = { key: uninitializedTaint, value: 'true', effect: 'NoSchedule' };
const node = (spec: Node['spec'] = {}, ready?: string, metadata: Node['metadata'] = {}): Node => {
  const { namespace: _, ...plain } = meta('n', metadata);
  const conditions = ready === undefined ? [] : [{ type: 'Ready', status: ready }];
  return { metadata: plain, spec, status: { addresses: [hostname], conditions } };
};

/** The node afterwards, and what was said; planning again must give nothing. */
function run(before: Node, plan: (node: Node) => ReturnType<typeof planLabels>) {
  const model = new Model();
  model.add(nodes, before);
  const actions = plan(before);
  model.apply(actions);
  const after = model.get(nodes, 'n');
  if (after !== undefined) expect(plan(after)).toEqual([]);
  return { after, said: model.events.map(({ reason, message }) => `${reason}: ${message}`), count: actions.length };
}
const known = (each: Node) =>
  (each.spec?.taints ?? []).some(({ key }) => key === uninitializedTaint)
    ? planInitialized(each, machine)
    : [...planLabels(each), ...planUpToDate(each, machine)];

describe('a new node', () => {
  test('is told all, and its other taints stay', () => {
    const other = { key: 'mine', effect: 'NoExecute' };
    const { after, said } = run(node({ taints: [newTaint, other] }, undefined, { labels: { mine: 'x' } }), known);
    expect(after?.spec).toEqual({ taints: [other], providerID: 'local://7' });
    expect(after?.metadata?.labels).toEqual({
      mine: 'x',
      'topology.kubernetes.io/zone': 'z',
      'failure-domain.beta.kubernetes.io/zone': 'z',
      'topology.kubernetes.io/region': 'r',
      'failure-domain.beta.kubernetes.io/region': 'r',
      'node.kubernetes.io/instance-type': 'small',
      'beta.kubernetes.io/instance-type': 'small',
    });
    // What the machine does not call itself, the kubelet does.
    expect(after?.status?.addresses).toEqual([...machine.addresses, hostname]);
    expect(said).toEqual(['Synced: Node synced successfully']);
  });

  test('keeps the id that its kubelet gave', () => {
    const { after } = run(node({ taints: [newTaint], providerID: 'local://8' }), known);
    expect(after?.spec?.providerID).toBe('local://8');
  });

  test('of a machine that says little is told little', () => {
    const little = { ...machine, addresses: [], zone: undefined, region: undefined, instanceType: undefined };
    const bare = { ...node({ taints: [newTaint] }), status: {} };
    const model = new Model();
    model.add(nodes, bare);
    model.apply(planInitialized(bare, little));
    expect(model.get(nodes, 'n')).toMatchObject({ spec: { taints: [] }, metadata: { labels: {} }, status: {} });
  });
});

test.each<[string, string | undefined, string]>([
  ['as the machine says', undefined, '10.0.0.1 10.0.0.2 192.0.2.1 n'],
  ['the kubelet’s first of its type', '10.0.0.2', '10.0.0.2 10.0.0.1 192.0.2.1 n'],
  ['two of them, in order', '192.0.2.1,10.0.0.2', '10.0.0.2 10.0.0.1 192.0.2.1 n'],
])('addresses: %s', (_, provided, expected) => {
  const annotations = provided === undefined ? {} : { [providedAnnotation]: provided };
  const found = addressesFor(node({}, undefined, { annotations }), machine);
  expect(found.map(({ address }) => address).join(' ')).toBe(expected);
});

test('an address that the machine does not have is an error, and the taint stays', () => {
  const wrong = node({ taints: [newTaint] }, undefined, { annotations: { [providedAnnotation]: '10.9.9.9' } });
  expect(() => planInitialized(wrong, machine)).toThrow(
    'failed to get node address from cloud provider that matches ip: 10.9.9.9',
  );
});

test('labels under their new names follow those under the old ones', () => {
  const labels = { 'beta.kubernetes.io/instance-type': 'big', 'topology.kubernetes.io/zone': 'own' };
  expect(run(node({}, undefined, { labels }), planLabels).after?.metadata?.labels).toEqual({
    ...labels,
    'node.kubernetes.io/instance-type': 'big',
  });
  expect(planLabels(node())).toEqual([]);
});

const off = { key: shutdownTaint, effect: 'NoSchedule' };
const gone = 'DeletingNode: Deleting node n because it does not exist in the cloud provider';
test.each<[string, Node, Machine[] | undefined, object | undefined, string[]]>([
  ['ready: nothing, wherever its machine is', node({}, 'True'), [], {}, []],
  ['ready again: the taint goes', node({ taints: [off, newTaint] }, 'True'), undefined, { taints: [newTaint] }, []],
  ['not ready, its machine is there', node({}, 'Unknown'), [machine], {}, []],
  ['not ready, its machine is off', node({}, 'False'), [{ ...machine, shutdown: true }], { taints: [off] }, []],
  ['not ready, its machine is gone', node({}, 'Unknown'), [], undefined, [gone]],
  ['it never said anything', node(), [], undefined, [gone]],
  ['not ready, and nothing is known of machines', node({}, 'Unknown'), undefined, {}, []],
  ['its machine has another id', node({ providerID: 'local://8' }, 'Unknown'), [machine], undefined, [gone]],
  ['it is new: the cloud may know it later', node({ taints: [newTaint] }), [], { taints: [newTaint] }, []],
])('%s', (_, before, machines, spec, said) => {
  const result = run(before, (each) => planLifecycle(each, machines, epochMs + 59_999));
  expect(result.after?.spec).toEqual(spec);
  expect(result.said).toEqual(said);
});

test('a new node that its cloud does not know after a minute goes', () => {
  const { after } = run(node({ taints: [newTaint] }), (each) => planLifecycle(each, [], epochMs + 60_000));
  expect(after).toBeUndefined();
});

describe('the inventory', () => {
  test('machines, by name or by id', () => {
    const [found, ...more] = parseInventory(JSON.stringify([machine]));
    expect([found, more]).toEqual([machine, []]);
    expect(parseInventory('[{"name":"a","providerID":"x://a"}]')).toMatchObject([{ addresses: [], shutdown: false }]);
    expect(machineOf(node(), [machine])).toBe(machine);
    expect(machineOf(node({ providerID: 'local://8' }), [machine])).toBeUndefined();
  });

  test.each([
    ['', /^no JSON: /],
    ['{}', 'expected a list of machines'],
    ['[1]', 'machine 1: expected an object'],
    ['[{"name":"a"}]', 'machine 1: providerID is missing'],
    ['[{"name":"","providerID":"b"}]', 'machine 1: name: expected text'],
    ['[{"name":"a","providerID":"b","zone":1}]', 'machine 1: zone: expected text'],
    ['[{"name":"a","providerID":"b","shutdown":"no"}]', 'machine 1: shutdown: expected true or false'],
    ['[{"name":"a","providerID":"b","addresses":["x"]}]', 'machine 1: addresses: expected a list of {type, address}'],
    ['[{"name":"a","providerID":"b"},{"name":"a","providerID":"c"}]', 'two machines have the name a'],
    ['[{"name":"a","providerID":"b"},{"name":"c","providerID":"b"}]', 'two machines have the providerID b'],
    [JSON.stringify(Array.from({ length: machinesMax + 1 })), '10001 machines, at most 10000 are read'],
  ])('%.60s is refused', (text, message) => {
    expect(() => parseInventory(text)).toThrow(message);
  });
});
