// Which node each address leads to.
import type { Node, Service } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { type AddressPool, parsePool } from '../pool.ts';
import { type Health, healthAfter, type Verdict } from './health.ts';
import { carriersOf, destinationsOf, type Observed, planPaths } from './plan.ts';

const pool = parsePool('10.251.0.0/24') as AddressPool;

function service(name: string, ip: string, spec: Service['spec'] = {}, created = '2026-01-01T00:00:00Z'): Service {
  const metadata = { namespace: 'a', name, uid: name, creationTimestamp: created };
  return { metadata, spec: { type: 'LoadBalancer', ...spec }, status: { loadBalancer: { ingress: [{ ip }] } } };
}

const node = (name: string, address: string, rest: Partial<Node['metadata']> = {}): Node => ({
  metadata: { name, ...rest },
  status: {
    addresses: [
      { type: 'Hostname', address: name },
      { type: 'InternalIP', address },
    ],
  },
});

const nodes = [node('one', '10.0.0.1'), node('two', '10.0.0.2'), node('three', '10.0.0.3')];
const carriers = carriersOf(nodes);

/** Plans, does it, and shows both. */
function run(observed: Partial<Observed> & { verdicts?: Record<string, Verdict> }) {
  const paths = new Map(observed.paths);
  const { verdicts = {} } = observed;
  const whole: Observed = { destinations: [], carriers, verdict: ({ name }) => verdicts[name] ?? 'well', ...observed, paths };
  const said = planPaths(whole).map((action) => {
    if (action.kind === 'close') paths.delete(action.address);
    else paths.set(action.destination.address, action.carrier.address);
    return action.kind === 'close' ? `close: ${action.reason}` : `${action.carrier.name}: ${action.reason}`;
  });
  // Right after acting there is nothing to do.
  expect(planPaths(whole)).toEqual([]);
  return { said, paths: Object.fromEntries(paths) };
}

const one = destinationsOf([service('s', '10.251.0.1')], pool);
const at = (address: string) => new Map([['10.251.0.1', address]]);
const ill = { one: 'ill', two: 'ill', three: 'ill' } as const;
const unknown = { one: 'unknown', two: 'unknown', three: 'unknown' } as const;

test.each<[string, Parameters<typeof run>[0], string[]]>([
  ['a new address', { destinations: one, verdicts: { one: 'ill', two: 'well', three: 'unknown' } }, ['two: it is new']],
  ['of nobody anything is known yet', { destinations: one, verdicts: unknown }, []],
  [
    'nobody is well: anybody may still be',
    { destinations: one, verdicts: ill, carriers: carriersOf([nodes[1] as Node]) },
    ['two: it is new'],
  ],
  ['it stays', { destinations: one, paths: at('10.0.0.3') }, []],
  [
    'it moves from who is ill',
    { destinations: one, paths: at('10.0.0.3'), verdicts: { one: 'ill', three: 'ill' } },
    ['two: node three does not take its traffic any more'],
  ],
  ['nobody is better', { destinations: one, paths: at('10.0.0.3'), verdicts: ill }, []],
  [
    'who has just begun to be asked is not left for somebody unknown',
    { destinations: one, paths: at('10.0.0.3'), verdicts: unknown },
    [],
  ],
  [
    'the node is gone',
    { destinations: one, paths: at('10.0.0.9'), verdicts: { one: 'ill', two: 'ill' } },
    ['three: the node at 10.0.0.9 is gone'],
  ],
  ['all nodes are gone', { destinations: one, paths: at('10.0.0.3'), carriers: [] }, ['close: no node is left']],
  ['there never was a node', { destinations: one, carriers: [] }, []],
  ['no Service has it', { paths: at('10.0.0.3') }, ['close: no Service has it']],
])('%s', (_, observed, expected) => {
  expect(run(observed).said).toEqual(expected);
});

test('addresses spread over the nodes, and those of a node that is gone go to the others alone', () => {
  const all = destinationsOf(
    Array.from({ length: 60 }, (_, n) => service(`s${n}`, `10.251.0.${n + 1}`)),
    pool,
  );
  const { paths } = run({ destinations: all });
  const count = (address: string) => Object.values(paths).filter((each) => each === address).length;
  for (const { address } of carriers) expect(count(address)).toBeGreaterThan(10);
  const rest = run({ destinations: all, paths: new Map(Object.entries(paths)), carriers: carriers.slice(1) });
  expect(rest.said).toHaveLength(count(carriers[0]?.address ?? ''));
});

test('which Services have an address here, and whom their traffic is asked of', () => {
  const local = { externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 };
  const found = destinationsOf(
    [
      service('cluster', '10.251.0.1'),
      service('local', '10.251.0.2', local),
      service('classed', '10.251.0.3', { loadBalancerClass: 'x/y' }),
      service('port', '10.251.0.4', { type: 'NodePort' }),
      service('elsewhere', '192.0.2.1'),
      service('later', '10.251.0.1', {}, '2026-01-02T00:00:00Z'),
    ],
    pool,
  );
  expect(found.map((each) => [each.service.metadata?.name, each.address, each.port])).toEqual([
    ['cluster', '10.251.0.1', 10_256],
    ['local', '10.251.0.2', 31_000],
  ]);
});

test('which nodes carry', () => {
  const excluded = { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } };
  const others: Node[] = [node('excluded', '10.0.0.4', excluded), node('six', 'fd00::1'), { metadata: { name: 'new' } }];
  // Kubelets say these: they are asked for their health there, and named to the router.
  others.push(...['10.4', '010.0.0.4', '10.0.0.4/8', 'db.internal', 'default.'].map((text, n) => node(`odd${n}`, text)));
  expect(carriersOf([...nodes, ...others]).map(({ name }) => name)).toEqual(['one', 'three', 'two']);
});

test('one lost answer is forgiven; a second one, or none ever, is not', () => {
  const verdicts: Verdict[] = [];
  let health: Health | undefined;
  for (const [askedMs, well] of [
    [0, false],
    [200, false],
    [1_000, false],
    [1_200, true],
    [2_200, false],
    [3_199, false],
    [3_200, false],
    [4_200, true],
  ] as const) {
    health = healthAfter(health, well, askedMs);
    verdicts.push(health.verdict);
  }
  expect(verdicts).toEqual(['unknown', 'unknown', 'ill', 'well', 'well', 'well', 'ill', 'well']);
});
