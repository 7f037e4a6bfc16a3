import { expect, test } from 'vitest';
import { machineProblems } from './machine-demands.ts';

const files = (more: Record<string, string | undefined> = {}) => {
  const all: Record<string, string | undefined> = {
    '/sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
    '/proc/swaps': 'Filename Type Size Used Priority\n',
    '/proc/sys/vm/overcommit_memory': '1\n',
    '/proc/sys/vm/panic_on_oom': '0\n',
    '/proc/sys/kernel/panic': '10\n',
    '/proc/sys/kernel/panic_on_oops': '1\n',
    '/proc/sys/kernel/keys/root_maxkeys': '1000000\n',
    '/proc/sys/kernel/keys/root_maxbytes': '25000000\n',
    ...more,
  };
  return (path: string) => all[path];
};
const all = { noSwap: true, noCgroupV1: true, kernelDefaults: true };

test('a machine that is as asked for', () => {
  expect(machineProblems(all, files())).toEqual([]);
});

test.each([
  ['/sys/fs/cgroup/cgroup.controllers', undefined, 'noCgroupV1', /^kubelet is configured to not run on a host using cgroup v1/],
  ['/proc/swaps', 'Filename\n/dev/sda partition 1 0 -2\n', 'noSwap', /^running with swap on is not supported/],
  [
    '/proc/sys/kernel/panic',
    '0\n',
    'kernelDefaults',
    /^invalid kernel flag: kernel\/panic, expected value: 10, actual value: 0$/,
  ],
] as const)('%s: %s', (path, text, demand, problem) => {
  const found = machineProblems(all, files({ [path]: text }));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(problem);
  expect(machineProblems({ ...all, [demand]: false }, files({ [path]: text }))).toEqual([]);
});
