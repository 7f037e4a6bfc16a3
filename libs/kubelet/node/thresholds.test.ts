import { expect, test } from 'vitest';
import { allocatableOf, PressureMemory, pressures, thresholdAmount } from './thresholds.ts';

const Mi = 1024 * 1024;
const facts = { cpus: 2, memoryBytes: 1024 * Mi, storageBytes: 1000 * Mi };

test.each([
  ['100Mi', 100 * Mi],
  ['10%', 102 * Mi + 419_430],
  ['0%', undefined],
  ['0', undefined],
  [undefined, undefined],
])('threshold %s of 1Gi', (text, amount) => {
  expect(thresholdAmount(text, 1024 * Mi)).toBe(amount);
});

test.each([
  [{ 'memory.available': { available: 99 * Mi, capacity: 1024 * Mi } }, ['MemoryPressure']],
  [{ 'memory.available': { available: 100 * Mi, capacity: 1024 * Mi } }, []],
  [{ 'nodefs.available': { available: 9, capacity: 100 } }, ['DiskPressure']],
  [{ 'nodefs.inodesFree': { available: 4, capacity: 100 } }, ['DiskPressure']],
  [{ 'pid.available': { available: 4, capacity: 100 } }, ['PIDPressure']],
  [{}, []],
])('pressure of %j', (measured, expected) => {
  const thresholds = {
    'memory.available': '100Mi',
    'nodefs.available': '10%',
    'nodefs.inodesFree': '5%',
    'pid.available': '5%',
  };
  expect([...pressures(measured, thresholds)]).toEqual(expected);
});

test('a pressure holds on for the transition period', () => {
  const memory = new PressureMemory(300_000);
  expect([...memory.update(new Set(['MemoryPressure']), 0)]).toEqual(['MemoryPressure']);
  expect([...memory.update(new Set(), 299_999)]).toEqual(['MemoryPressure']);
  expect([...memory.update(new Set(), 300_000)]).toEqual([]);
});

test('allocatable is capacity less what is reserved and what eviction keeps free', () => {
  const reserved = { system: { cpu: '100m', memory: '100Mi' }, kube: { memory: '24Mi' } };
  expect(allocatableOf(facts, 110, reserved, { 'memory.available': '100Mi', 'nodefs.available': '10%' })).toMatchObject({
    cpu: '1900m',
    memory: `${800 * 1024}Ki`,
    pods: '110',
    'ephemeral-storage': String(900 * Mi),
  });
  expect(allocatableOf(facts, 5, { system: { cpu: '3' }, kube: {} }, {})).toMatchObject({ cpu: '0', memory: '1048576Ki' });
});
