import type { Ingress } from '@drydock/api/generated/types.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { contentOf } from './content.ts';
import type { DataPlane } from './data-plane.ts';
import { planRouting } from './plan.ts';
import { readSettings } from './settings.ts';
import { Syncer, whatItSays } from './syncer.ts';
import { cluster, ingress, prefix, service, slice } from './testing/objects.ts';

const { settings } = readSettings(undefined);
const files = { httpPort: 80, httpsPort: 443, user: undefined, luaFolder: '/lua', modulesFolder: '/modules' };

/** A syncer on a data plane that writes down what it is told, and refuses what contains one of `bad`. */
function setUp(bad: readonly string[] = []) {
  const clock = new VirtualClock();
  const told: string[] = [];
  const world = { ingresses: [] as Ingress[], addresses: ['10.244.1.5'], broken: false, secrets: '1', unplanned: '' };
  const plane: DataPlane = {
    check: async ({ config }) => {
      const found = world.broken ? 'everything' : bad.find((text) => config.includes(text));
      return found === undefined ? undefined : `2026/01/01 00:00:00 [emerg] 7#7: bad word "${found}" in nginx.conf.new:9`;
    },
    apply: async ({ config }) => {
      told.push(
        `${clock.monotonicMs()} reload ${[...config.matchAll(/server_name (\w+)/g)].map((match) => match[1]).join(' ')}`,
      );
    },
    applyBackends: async (text) => {
      told.push(`${clock.monotonicMs()} backends ${[...text.matchAll(/peer\t(\S+)/g)].map((match) => match[1]).join(' ')}`);
    },
    read: async () => [],
    unhealthy: () => undefined,
    stop: async () => {},
  };
  const syncer = new Syncer({
    clock,
    log: silentLog,
    plane,
    reloadEveryMs: 3_333,
    ingresses: () => world.ingresses,
    basisOf: (one) => `${whatItSays(one)} ${world.secrets}`,
    make: (ingresses, refused) => {
      const spoilt = ingresses.some(({ metadata }) => metadata?.name === world.unplanned);
      if (spoilt && !refused.has(`default/${world.unplanned}`)) throw new Error('a control character in the configuration');
      const observed = cluster(ingresses, [service('web')], [slice('web', world.addresses)]);
      const plan = planRouting(observed, {
        settings,
        annotationPrefix: prefix,
        defaultBackend: undefined,
        defaultCertificate: undefined,
        refused,
      });
      return { plan, ...contentOf(plan, settings, { certificatePem: '', keyPem: '' }, files) };
    },
    onSynced: () => {},
    onReload: () => {},
    onCheck: () => {},
  });
  const add = (name: string, path = 'Prefix / web') => {
    const annotations = path.startsWith('Impl') ? { 'use-regex': 'true' } : {};
    world.ingresses = [...world.ingresses, ingress({ name, host: name, paths: [path], annotations })];
    syncer.trigger();
  };
  const after = async (ms: number) => {
    await clock.advanceAsync(ms);
    return told.splice(0);
  };
  return { clock, world, syncer, add, after };
}

test('changes of one moment are one reload; the next one comes when it may, endpoints at once', async () => {
  const { world, syncer, add, after } = setUp();
  add('a');
  add('b');
  expect(await after(100)).toEqual(['20 reload _ a b']);
  add('c');
  world.addresses = ['10.244.1.6'];
  expect(await after(100)).toEqual(['120 backends 10.244.1.6']);
  world.addresses = ['10.244.1.7'];
  syncer.trigger();
  expect(await after(100)).toEqual(['220 backends 10.244.1.7']);
  expect(await after(3_000)).toEqual([]);
  expect(await after(100)).toEqual(['3353 reload _ a b c']);
  syncer.trigger();
  expect(await after(10_000)).toEqual([]);
});

test('an Ingress that the data plane refuses is found and left out; the others are served; mended, it is too', async () => {
  const { world, syncer, add, after } = setUp(['evil']);
  for (const name of ['a', 'b', 'c', 'd', 'e']) add(name);
  add('bad', 'ImplementationSpecific /evil web');
  expect(await after(100)).toEqual(['20 reload _ a b c d e']);
  expect(syncer.made?.plan.problems).toEqual([
    {
      ingress: { namespace: 'default', name: 'bad' },
      reason: 'Rejected',
      message: 'the configuration of this Ingress is refused: bad word "evil"',
    },
  ]);
  world.ingresses = world.ingresses.map((one) =>
    one.metadata?.name === 'bad' ? ingress({ name: 'bad', host: 'bad', paths: ['Prefix /good web'] }) : one,
  );
  syncer.trigger();
  expect(await after(4_000)).toEqual(['3353 reload _ a b bad c d e']);
  expect(syncer.made?.plan.problems).toEqual([]);
});

test('a data plane that refuses everything keeps what it had, and is asked again', async () => {
  const { world, add, after } = setUp();
  add('a');
  await after(5_000);
  world.broken = true;
  add('b');
  expect(await after(2_000)).toEqual([]);
  world.broken = false;
  expect((await after(10_000)).map((line) => line.replace(/^\d+ /, ''))).toEqual(['reload _ a b']);
});

test('an Ingress that is refused for what another object says is tried again when that changes', async () => {
  const bad = ['evil'];
  const { world, syncer, add, after } = setUp(bad);
  add('a');
  add('b', 'ImplementationSpecific /evil web');
  expect(await after(100)).toEqual(['20 reload _ a']);
  bad.pop();
  syncer.trigger();
  expect(await after(10_000)).toEqual([]);
  world.secrets = '2';
  syncer.trigger();
  expect((await after(10_000)).map((line) => line.replace(/^\d+ /, ''))).toEqual(['reload _ a b']);
});

test('an Ingress that cannot even be planned is left out, too', async () => {
  const { world, syncer, add, after } = setUp();
  world.unplanned = 'c';
  for (const name of ['a', 'b', 'c']) add(name);
  expect(await after(100)).toEqual(['20 reload _ a b']);
  expect(syncer.made?.plan.problems.map(({ ingress: { name }, message }) => [name, message])).toEqual([
    ['c', 'the configuration of this Ingress is refused: a control character in the configuration'],
  ]);
});
