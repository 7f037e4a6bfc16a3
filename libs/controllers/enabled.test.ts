import { expect, test } from 'vitest';
import { controllers, managerControllers } from './controllers.ts';
import { isEnabled, namedButMissing, unknownController } from './enabled.ts';

const deployment = { name: 'deployment-controller', alias: 'deployment' };

test.each<[string[], boolean]>([
  [['*'], true],
  [['*', '-deployment-controller'], false],
  [['*', '-deployment'], false],
  [['-deployment', 'deployment'], false],
  [['deployment'], true],
  [['namespace'], false],
  [[], false],
])('%j enables it: %s', (list, expected) => {
  expect(isEnabled(deployment, list)).toBe(expected);
});

test('names are checked against all of upstream’s', () => {
  expect(
    unknownController(['*', 'bootstrapsigner', '-statefulset-controller', 'nodelifecycle'], managerControllers),
  ).toBeUndefined();
  expect(unknownController(['*', '-no-such'], managerControllers)).toBe('no-such');
  expect(namedButMissing(['*', 'tokencleaner', '-job', 'deployment'], managerControllers)).toEqual(['tokencleaner']);
});

test('names, aliases and order', () => {
  const names = controllers.flatMap(({ name, alias }) => (name === alias ? [name] : [name, alias]));
  expect(new Set(names).size).toBe(names.length);
  expect(controllers.at(-1)?.name).toBe('garbage-collector-controller');
});
