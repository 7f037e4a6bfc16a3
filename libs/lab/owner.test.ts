import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseRanges, NotFree, portBases, type Taken } from './net/choose.ts';
import { overlaps, parseCidr } from './net/cidr.ts';
import { namespacesOf } from './net/fabric-script.ts';
import { isNamespaceOf } from './net/host-names.ts';
import { decideOwner, type LabRecord, nameConflict, parseRecord, runName } from './owner.ts';
import { testTopology } from './testing.ts';

const record = (change: Partial<LabRecord> = {}): LabRecord => {
  const base = { name: 'lab', dir: '/checkout/.drydock/lab', ...change };
  return {
    version: 1,
    id: '0123456789abcdef',
    repo: '/checkout',
    run: `/run/drydock/${runName(base.name, base.dir)}`,
    user: 0,
    network: 'netns',
    madeDir: true,
    host: { namespaces: [`dd-${base.name}-fabric`], link: `dd-${base.name}`, table: `dd-${base.name}` },
    ranges: [],
    portBase: undefined,
    ...base,
  };
};

test.each<[string, unknown]>([
  ['another version', record({ version: 2 as 1 })],
  ['a name that is a path', record({ name: '../x' })],
  ['a folder that is none', { ...record(), dir: 'lab' }],
  ['a folder with dots', { ...record(), dir: '/a/../b' }],
  ['the run folder of nobody', { ...record(), run: '/etc' }],
  ["another lab's run folder", { ...record(), run: `/run/drydock/${runName('other', '/x')}` }],
  ['a run folder that is a home', { ...record(), run: '/home/lab' }],
  ["another lab's namespace", record({ host: { namespaces: ['dd-lab-b-etcd-1'], link: 'dd-lab', table: 'dd-lab' } })],
  ['a namespace of no lab', record({ host: { namespaces: ['vpn'], link: 'dd-lab', table: 'dd-lab' } })],
  ['a link of the host', record({ host: { namespaces: [], link: 'eth0', table: 'dd-lab' } })],
  ['a table of the host', record({ host: { namespaces: [], link: 'dd-lab', table: 'filter' } })],
  ['a chain of the host', record({ host: { namespaces: [], link: 'dd-lab', table: 'dd-lab', forward: 'INPUT' as 'FORWARD' } })],
  ['no object', null],
  ['no user', { ...record(), user: 'root' }],
])('a record with %s is not believed', (_, value) => {
  expect(() => parseRecord(JSON.stringify(value))).toThrow();
});

test('any change of a record is a record of the same lab, or none; any cut of it is none', () => {
  const text = JSON.stringify(record());
  expect(parseRecord(text)).toEqual(JSON.parse(text));
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ minLength: 0, maxLength: 3 }), fc.boolean(), (at, insert, cut) => {
      const changed = cut ? text.slice(0, at) : text.slice(0, at) + insert + text.slice(at + 1);
      let read: LabRecord;
      try {
        read = parseRecord(changed);
      } catch {
        return;
      }
      expect(cut).toBe(false);
      expect(read.run.startsWith('/') && /drydock/.test(read.run)).toBe(true);
      for (const netns of read.host?.namespaces ?? []) expect(isNamespaceOf(read.name, netns)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('a namespace is of one lab only, however the names of labs begin', () => {
  const names = ['a', 'a-b', 'a-etcd', 'a-etcd-1', 'a-fabric', 'a-worker-1'];
  for (const name of names)
    for (const netns of namespacesOf(testTopology({ name, workers: 99 })))
      expect(names.filter((candidate) => isNamespaceOf(candidate, netns))).toEqual([name]);
});

const asked = { name: 'lab', dir: '/checkout/.drydock/lab', user: 0 };
const abroad = record({ dir: '/other/.drydock/lab', repo: '/other' });

test.each<[string, Parameters<typeof decideOwner>, string]>([
  ['nothing anywhere', [asked, { folder: 'missing', marker: undefined }, []], 'none'],
  ['a lab of that name elsewhere', [asked, { folder: 'missing', marker: undefined }, [abroad]], 'none'],
  ['its own', [asked, { folder: 'used', marker: record() }, [record()]], 'own'],
  ['its own after the machine started anew', [asked, { folder: 'used', marker: record() }, []], 'own'],
  ['what is left of a removed folder', [asked, { folder: 'missing', marker: undefined }, [record()]], 'own'],
  ['files', [asked, { folder: 'used', marker: undefined }, [abroad]], 'refused'],
  ['a copy', [asked, { folder: 'used', marker: abroad }, [abroad]], 'refused'],
  ["another user's", [{ ...asked, user: 7 }, { folder: 'used', marker: record() }, []], 'refused'],
  ['a damaged record', [asked, { folder: 'used', marker: 'damaged' }, [abroad]], 'refused'],
])('%s', (_, given, kind) => {
  expect(decideOwner(...given).kind).toBe(kind);
});

test('a record whose names another lab has by now gives no right to them', () => {
  const owned = decideOwner(asked, { folder: 'used', marker: record() }, [abroad]);
  expect(owned).toMatchObject({ kind: 'own', record: { host: undefined } });
  expect(nameConflict('lab', asked.dir, [abroad])).toContain('/other/.drydock/lab');
  expect(nameConflict('lab', abroad.dir, [abroad])).toBeUndefined();
});

const range = (text: string): Taken => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return { range: parsed, by: text };
};
const ranges = (taken: readonly string[], wanted = {}) => chooseRanges(wanted, taken.map(range));

test('ranges: the documented ones where they are free, others where not, never ones that overlap', () => {
  const first = {
    fabricCidr: '10.250.0.0/24',
    serviceCidr: '10.96.0.0/16',
    clusterCidr: '10.244.0.0/16',
    loadBalancerCidr: '10.251.0.0/24',
  };
  expect(ranges([])).toEqual(first);
  expect(ranges(['10.250.0.0/24', '10.244.0.0/16', '10.251.0.0/24'])).toEqual({
    ...first,
    fabricCidr: '10.250.1.0/24',
    clusterCidr: '10.245.0.0/16',
    loadBalancerCidr: '10.251.1.0/24',
  });
  expect(ranges(['10.0.0.0/8'])).toEqual({
    fabricCidr: '172.31.0.0/24',
    serviceCidr: '172.16.0.0/16',
    clusterCidr: '172.19.0.0/16',
    loadBalancerCidr: '172.30.0.0/24',
  });
  expect(ranges([], { clusterCidr: '10.96.0.0/16' })).toEqual({
    ...first,
    clusterCidr: '10.96.0.0/16',
    serviceCidr: '10.97.0.0/16',
  });
  expect(() => ranges(['10.250.0.0/16'], { fabricCidr: '10.250.7.0/24' })).toThrow(
    /10\.250\.7\.0\/24 is in use.*--fabric-cidr/,
  );
  expect(() => ranges(['0.0.0.0/1', '128.0.0.0/1'])).toThrow(NotFree);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(255), fc.nat(255), fc.constantFrom(8, 16, 24)), { maxLength: 30 }), (list) => {
      const taken = list.map(([a, b, bits]) => `10.${bits === 8 ? 0 : a}.${bits === 24 ? b : 0}.0/${bits}`);
      const chosen = Object.values(ranges(taken)).map((text) => range(text).range);
      for (const [i, one] of chosen.entries()) {
        expect(taken.some((text) => overlaps(range(text).range, one))).toBe(false);
        expect(chosen.some((two, j) => i !== j && overlaps(one, two))).toBe(false);
      }
    }),
  );
});

test('ports: the documented first, then blocks that meet no other lab, below those that clients are given', () => {
  expect(portBases(16_443, 500, []).slice(0, 2)).toEqual([16_443, 16_943]);
  expect(portBases(16_443, 500, [16_443, 17_000])[0]).toBe(17_943);
  expect(Math.max(...portBases(16_443, 500, []))).toBeLessThanOrEqual(32_768 - 500);
});
