import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { PodSpec } from '@drydock/api/generated/types.ts';
import type { nodeCalls } from '@drydock/foundation/beneath/calls.ts';
import { MountError } from '@drydock/foundation/beneath/mounting.ts';
import { besiege, type World, watchedCalls } from '@drydock/foundation/beneath/testing/attacker.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { hollowMounter, type Mounter } from './mounter.ts';
import { bindSubPath, checkSubPath } from './sub-path.ts';
import { listing } from './testing/listing.ts';
import { contextOf, everyKind, makeVolumes, podWith, uid } from './testing/pods.ts';

vi.setConfig({ testTimeout: 120_000 });

const isRoot = process.getuid?.() === 0;
const forRoot = test.skipIf(!isRoot);
const me = `${process.getuid?.()}:${process.getgid?.()}`;
/** Gives files away as for a real engine, but mounts nothing. */
const giving: Mounter = { ...hollowMounter, givesAway: isRoot };

function scratch(): string {
  const folder = mkdtempSync(`${tmpdir()}/drydock-volumes-`);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function made(spec: Partial<PodSpec>): Promise<string[]> {
  const volumes = makeVolumes(scratch(), giving);
  const paths = await volumes.prepare(contextOf(podWith(spec)));
  return [...paths].flatMap(([name, { path, readOnly }]) =>
    listing(path).map((line) => `${name}${readOnly ? '(ro)' : ''}:${line}`),
  );
}

test('modes and links of every kind', async () => {
  expect(await made({ volumes: [...everyKind] })).toEqual(
    [
      'disk:/ d 777 ME',
      'memory:/ d 1777 ME',
      'map(ro):/ d 777 ME',
      'map(ro):/..SET d 755 ME',
      'map(ro):/..SET/a f 400 ME 1',
      'map(ro):/..SET/b f 400 ME 2',
      'map(ro):/..data l ME ..SET',
      'map(ro):/a l ME ..data/a',
      'map(ro):/b l ME ..data/b',
      'map-items(ro):/ d 777 ME',
      'map-items(ro):/..SET d 755 ME',
      'map-items(ro):/..SET/x d 755 ME',
      'map-items(ro):/..SET/x/y f 600 ME 1',
      'map-items(ro):/..data l ME ..SET',
      'map-items(ro):/x l ME ..data/x',
      'secret(ro):/ d 1777 ME',
      'secret(ro):/..SET d 755 ME',
      'secret(ro):/..SET/s f 644 ME hidden',
      'secret(ro):/..data l ME ..SET',
      'secret(ro):/s l ME ..data/s',
      'labels(ro):/ d 1777 ME',
      'labels(ro):/..SET d 755 ME',
      'labels(ro):/..SET/labels f 644 ME l="1"',
      'labels(ro):/..data l ME ..SET',
      'labels(ro):/labels l ME ..data/labels',
      'token(ro):/ d 1777 ME',
      'token(ro):/..SET d 755 ME',
      'token(ro):/..SET/a f 644 ME 1',
      'token(ro):/..SET/b f 644 ME 2',
      'token(ro):/..SET/token f 644 ME token',
      'token(ro):/..data l ME ..SET',
      'token(ro):/a l ME ..data/a',
      'token(ro):/b l ME ..data/b',
      'token(ro):/token l ME ..data/token',
    ].map((line) => line.replace('ME', me)),
  );
});

forRoot('a group may write where containers may, and read what comes from the API (needs root)', async () => {
  const lines = await made({ volumes: [...everyKind], securityContext: { fsGroup: 7, runAsUser: 5 } });
  expect(lines.filter((line) => !line.includes(' l '))).toEqual([
    'disk:/ d 2777 0:7',
    'memory:/ d 3777 0:7',
    'map(ro):/ d 2777 0:7',
    'map(ro):/..SET d 2755 0:7',
    'map(ro):/..SET/a f 440 0:7 1',
    'map(ro):/..SET/b f 440 0:7 2',
    'map-items(ro):/ d 2777 0:7',
    'map-items(ro):/..SET d 2755 0:7',
    'map-items(ro):/..SET/x d 2755 0:7',
    'map-items(ro):/..SET/x/y f 640 0:7 1',
    'secret(ro):/ d 3777 0:7',
    'secret(ro):/..SET d 2755 0:7',
    'secret(ro):/..SET/s f 644 0:7 hidden',
    'labels(ro):/ d 3777 0:7',
    'labels(ro):/..SET d 2755 0:7',
    'labels(ro):/..SET/labels f 644 0:7 l="1"',
    'token(ro):/ d 3777 0:7',
    'token(ro):/..SET d 2755 0:7',
    'token(ro):/..SET/a f 644 0:7 1',
    'token(ro):/..SET/b f 644 0:7 2',
    'token(ro):/..SET/token f 640 5:7 token',
  ]);
});

test.each<[string, Partial<PodSpec>, string]>([
  ['nobody says who runs', {}, '644 0:0'],
  ['the pod does', { securityContext: { runAsUser: 5 } }, '600 5:0'],
  ['every container does, and the same', { containers: runners(6, 6) }, '600 6:0'],
  ['root does', { securityContext: { runAsUser: 0 } }, '600 0:0'],
  ['two differ', { containers: runners(6, 7) }, '644 0:0'],
  ['one does not', { containers: runners(6, undefined) }, '644 0:0'],
  ['one goes before the pod', { securityContext: { runAsUser: 5 }, containers: runners(6, 6) }, '600 6:0'],
  ['an init container differs', { securityContext: { runAsUser: 5 }, initContainers: runners(6, 5) }, '644 0:0'],
])('a token belongs to whom all containers run as: %s', async (_, spec, expected) => {
  const lines = await made({ volumes: [everyKind.at(-1) ?? { name: '' }], ...spec });
  const [mode = '', owner = ''] = expected.split(' ');
  expect(lines).toContain(`token(ro):/..SET/token f ${mode} ${isRoot ? owner : me} token`);
});

function runners(...users: (number | undefined)[]): PodSpec['containers'] {
  return users.map((user, index) => ({ name: `c${index}`, securityContext: user === undefined ? {} : { runAsUser: user } }));
}

test('what changes in the API changes as one, and what is gone there is gone', async () => {
  const root = scratch();
  const volumes = makeVolumes(root, giving);
  const pod = podWith({ volumes: [{ name: 'map', configMap: { name: 'map' } }] });
  const path = (await volumes.prepare(contextOf(pod))).get('map')?.path ?? '';
  const before = readdirSync(path);
  await volumes.prepare(contextOf(pod));
  expect(readdirSync(path)).toEqual(before);
  await volumes.prepare(contextOf(pod, { b: '3', c: '4' }));
  const names = listing(path).map((line) => line.split(' ').at(0));
  expect(names).toEqual(['/', '/..SET', '/..SET/b', '/..SET/c', '/..data', '/b', '/c']);
  expect(readFileSync(`${path}/b`, 'utf8')).toBe('3');
});

test('folders for what is mounted into a volume from the API are there, and stay', async () => {
  const volumeMounts = [
    { name: 'map', mountPath: '/etc/map' },
    { name: 'disk', mountPath: '/etc/map/below/disk/' },
    { name: 'disk', mountPath: '/etc/map/below/disk/deeper' },
    { name: 'disk', mountPath: '/etc/mapother' },
  ];
  const pod = podWith({
    containers: [{ name: 'c', volumeMounts }],
    volumes: [
      { name: 'map', configMap: { name: 'map' } },
      { name: 'disk', emptyDir: {} },
    ],
  });
  const volumes = makeVolumes(scratch(), giving);
  const path = (await volumes.prepare(contextOf(pod))).get('map')?.path ?? '';
  await volumes.prepare(contextOf(pod, { a: '2' }));
  expect(listing(path)).toContain(`/below/disk d 755 ${me}`);
  expect(listing(path)).not.toContain(`/below/disk/deeper d 755 ${me}`);
});

test.each([
  [{ name: 'v', emptyDir: { medium: 'HugePages' } }, 'unknown storage medium "HugePages"'],
  [{ name: 'v', rbd: { image: 'i', monitors: ['m'] } }, 'no volume plugin matched'],
  [{ name: 'v', gitRepo: { repository: 'r' } }, 'git-repo volume plugin has been disabled; if necessary, it may be'],
  [{ name: 'v', projected: { sources: [{ clusterTrustBundle: { path: 'p' } }] } }, 'clusterTrustBundle cannot be served'],
  [
    { name: 'v', configMap: { name: 'map', items: [{ key: 'a', path: '../../x' }] } },
    "must be relative and not begin with '..'",
  ],
])('what cannot be served is refused: %j', async (volume, message) => {
  const context = contextOf(podWith({ volumes: [volume] }));
  await expect(makeVolumes(scratch(), giving).prepare(context)).rejects.toThrow(
    `MountVolume.SetUp failed for volume "v" : ${''}`,
  );
  await expect(makeVolumes(scratch(), giving).prepare(context)).rejects.toThrow(message);
});

/** From the first to the second state: a new set of files. */
const pod = podWith({
  volumes: everyKind.filter(({ name }) => ['disk', 'map', 'token'].includes(name)),
  securityContext: isRoot ? { fsGroup: 7, runAsUser: 5 } : {},
  containers: [
    {
      name: 'c',
      volumeMounts: [
        { name: 'map', mountPath: '/m' },
        { name: 'disk', mountPath: '/m/n/o' },
      ],
    },
  ],
});
const states = [contextOf(pod), contextOf(pod, { b: '3', c: '4' })] as const;
const all = (root: string) => listing(`${root}/pods`);
const broken = () => Object.assign(new Error('no more'), { code: 'EIO' });

test.each(['killed at', 'failing at'])(
  '%s any call, a kubelet converges when it comes again',
  async (kind) => {
    const clean = scratch();
    const counted = { calls: 0 };
    const volumes = makeVolumes(
      clean,
      giving,
      watchedCalls(() => counted.calls++),
    );
    for (const state of states) await volumes.prepare(state);
    const expected = all(clean);
    for (let at = 0; at < counted.calls; at++) {
      const root = scratch();
      const fails = (call: number): void => {
        if (kind === 'killed at' ? call >= at : call === at) throw broken();
      };
      const first = makeVolumes(root, giving, watchedCalls(fails));
      for (const state of states) await first.prepare(state).catch(() => {});
      await makeVolumes(root, giving).prepare(states[1]);
      expect(all(root), `${kind} ${at}`).toEqual(expected);
      rmSync(root, { recursive: true });
    }
  },
  300_000,
);

test('killed at any call of a removal, nothing is left when it comes again', async () => {
  for (let at = 0, done = false; !done; at++) {
    const root = scratch();
    mkdirSync(`${root}/pods/${uid}/volumes/kubernetes.io~empty-dir/disk/below`, { recursive: true });
    writeFileSync(`${root}/pods/${uid}/volumes/kubernetes.io~empty-dir/disk/below/file`, '');
    const fails = (call: number): void => {
      if (call >= at) throw broken();
    };
    done = await makeVolumes(root, giving, watchedCalls(fails))
      .remove(uid)
      .then(
        () => true,
        () => false,
      );
    await makeVolumes(root, giving).remove(uid);
    expect(readdirSync(`${root}/pods`), `killed at ${at}`).toEqual([]);
  }
}, 300_000);

test('what is still mounted keeps all of the pod there, until it can be unmounted', async () => {
  const root = scratch();
  let stuck = true;
  const mounter: Mounter = {
    ...giving,
    unmountBelow: async () => {
      if (stuck) throw new MountError('still mounted: /x (target is busy)');
    },
  };
  const volumes = makeVolumes(root, mounter);
  await volumes.prepare(states[0]);
  const before = all(root);
  await expect(volumes.remove(uid)).rejects.toThrow('target is busy');
  expect(all(root)).toEqual(before);
  expect(await volumes.pods()).toEqual([uid]);
  stuck = false;
  await volumes.remove(uid);
  expect(await volumes.pods()).toEqual([]);
});

const folder = `pods/${uid}/volumes/kubernetes.io~configmap/map`;
const mapPod = podWith({ volumes: [{ name: 'map', configMap: { name: 'map', items: [{ key: 'a', path: 'b/c' }] } }] });
/** As a volume is while its pod runs; what the attacker exchanges has the same names outside. */
function prepareMap({ inside }: World): void {
  mkdirSync(`${inside}/${folder}/..old/b`, { recursive: true });
  writeFileSync(`${inside}/${folder}/..old/b/c`, 'old');
  symlinkSync('..old', `${inside}/${folder}/..data`);
  symlinkSync('..data/b', `${inside}/${folder}/b`);
}

test('who owns a volume leads no refresh outside', async () => {
  const work = ({ inside }: World, calls: typeof nodeCalls) =>
    makeVolumes(inside, hollowMounter, calls).prepare(contextOf(mapPod));
  const victims = ['..data', '..data_tmp', '..old', '..old/b', '..1970_01_01_00_00_00.1', 'b'];
  const { damage } = await besiege(
    { prepare: prepareMap, work },
    victims.map((name) => `${folder}/${name}`),
    { refusals: ['VolumeError'] },
  );
  expect(damage).toEqual([]);
}, 300_000);

test('who owns a volume leads no removal outside', async () => {
  const work = ({ inside }: World, calls: typeof nodeCalls) => makeVolumes(inside, hollowMounter, calls).remove(uid);
  const { damage } = await besiege(
    { prepare: prepareMap, work },
    ['..data', '..old', '..old/b', 'b'].map((name) => `${folder}/${name}`),
  );
  expect(damage).toEqual([]);
}, 300_000);

test('a link from ..data to elsewhere costs nothing there', async () => {
  const root = scratch();
  const host = scratch();
  writeFileSync(`${host}/file`, 'keep');
  const volumes = makeVolumes(root, giving);
  const path = (await volumes.prepare(contextOf(mapPod))).get('map')?.path ?? '';
  rmSync(`${path}/..data`);
  symlinkSync(`../../../../../../${host}`, `${path}/..data`);
  await volumes.prepare(contextOf(mapPod, { a: 'new' }));
  expect(readFileSync(`${host}/file`, 'utf8')).toBe('keep');
  expect(readFileSync(`${path}/b/c`, 'utf8')).toBe('new');
});

test.each(['link', 'link/more', 'up'])('a part of a volume that leads out of it is refused: %s', async (subPath) => {
  const root = scratch();
  const volumes = makeVolumes(root, hollowMounter);
  mkdirSync(`${root}/volume`);
  mkdirSync(`${root}/volume-2`);
  symlinkSync('/etc', `${root}/volume/link`);
  symlinkSync('../volume-2', `${root}/volume/up`);
  const names = { uid, volumeName: 'v', container: 'c', index: 0 };
  const bound = bindSubPath(volumes.folders, hollowMounter, { ...names, volume: `${root}/volume`, subPath });
  await expect(bound).rejects.toThrow('failed to prepare subPath for volumeMount "v" of container "c": the way leads out');
  expect(existsSync(`${root}/volume-2/more`)).toBe(false);
});

test.each(['/etc', '..', 'a/../b'])('refused before anything is made: %s', (subPath) => {
  expect(() => checkSubPath(subPath)).toThrow('subPath');
});
