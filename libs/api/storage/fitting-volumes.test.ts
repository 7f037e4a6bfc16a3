// What is found by host is what is found by looking at every volume for every node.
import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import type { Node, NodeSelectorTerm, PersistentVolume, PersistentVolumeClaim } from '../generated/types.ts';
import { FittingVolumes, isReachableFrom } from './match.ts';

const random = new SeededRandom(7).stream('volumes');
const oneOf = <T>(...values: readonly T[]): T => values[random.int(values.length)] as T;
const hosts = ['a', 'b', 'c'];
const onHosts = (...values: string[]): NodeSelectorTerm => ({
  matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }],
});

function volume(i: number): PersistentVolume {
  const terms = oneOf(
    undefined,
    [onHosts(oneOf(...hosts))],
    [onHosts('a', 'b'), onHosts('c')],
    [onHosts('a'), { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }],
    [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['z'] }] }],
  );
  return {
    metadata: { name: `v${i}` },
    spec: {
      capacity: { storage: oneOf('1Gi', '2Gi', '3Gi') },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      ...(terms === undefined ? {} : { nodeAffinity: { required: { nodeSelectorTerms: terms } } }),
      ...(random.int(40) === 0 ? { claimRef: { namespace: 'default', name: 'c' } } : {}),
    },
    status: { phase: oneOf('Available', 'Available', 'Bound') },
  };
}

const claim: PersistentVolumeClaim = {
  metadata: { namespace: 'default', name: 'c', uid: 'u' },
  spec: { storageClassName: 'local', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } },
};

function lookedThrough(node: Node, volumes: readonly PersistentVolume[], taken: ReadonlySet<string>): string | undefined {
  const free = volumes.filter(({ metadata }) => !taken.has(metadata?.name ?? ''));
  const large = free.filter(({ spec }) => spec?.capacity?.['storage'] !== '1Gi');
  const own = large.find(({ spec }) => spec?.claimRef !== undefined);
  if (own !== undefined) return isReachableFrom(node, own) ? own.metadata?.name : undefined;
  const fit = large.filter(({ status }) => status?.phase === 'Available').filter((each) => isReachableFrom(node, each));
  return (fit.find(({ spec }) => spec?.capacity?.['storage'] === '2Gi') ?? fit[0])?.metadata?.name;
}

test('the smallest volume that fits and is reached, of equals the first, by host or not', () => {
  const found = new Set<string | undefined>();
  for (let round = 0; round < 200; round++) {
    const volumes = Array.from({ length: random.int(12) }, (_, i) => volume(i));
    const taken = new Set(volumes.filter(() => random.int(4) === 0).map(({ metadata }) => metadata?.name ?? ''));
    const fitting = new FittingVolumes(claim, volumes);
    for (const host of [...hosts, undefined]) {
      const labels: Record<string, string> = { zone: oneOf('z', 'y'), ...(host && { 'kubernetes.io/hostname': host }) };
      const node: Node = { metadata: { name: 'n', labels } };
      const chosen = fitting.bestFor(node, taken)?.metadata?.name;
      expect(chosen).toBe(lookedThrough(node, volumes, taken));
      found.add(chosen);
    }
  }
  expect(found.size).toBeGreaterThan(8);
});
