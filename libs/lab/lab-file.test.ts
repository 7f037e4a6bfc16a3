import { expect, test } from 'vitest';
import { parseLabFile, splitWords } from './lab-file.ts';

test('a lab file sets what it names', () => {
  const text = `
workers: 2
profile: fast
timings: {node-monitor-grace-period: 12s, election-timeout: 2000}
programs:
  etcd: /opt/etcd --log-level "very loud"
  apiserver-2: [strace, -f, kube-apiserver]
flags: {kube-scheduler: --v=4}
`;
  expect(parseLabFile(text)).toEqual({
    problems: [],
    config: {
      workers: 2,
      profile: 'fast',
      timings: { 'node-monitor-grace-period': '12s', 'election-timeout': '2000' },
      programs: { etcd: ['/opt/etcd', '--log-level', 'very loud'], 'apiserver-2': ['strace', '-f', 'kube-apiserver'] },
      flags: { 'kube-scheduler': ['--v=4'] },
    },
  });
});

test.each<[string, number, string, RegExp]>([
  ['workerz: 3\n', 1, 'workerz', /unknown field \(one of: name, etcd, .*workers/],
  ['etcd: 3\nworkers: lots\n', 2, 'workers', /expected a whole number/],
  ['network: host\n', 1, 'network', /expected one of: netns, loopback/],
  ['etcd: 3\n\nworkers: 1000\n', 3, 'workers', /expected a whole number from 0 to 99, got 1000/],
  ['fabricCidr: 10.0.0.1/24\n', 1, 'fabricCidr', /expected an IPv4 range/],
  ['serviceCidr: 10.244.0.0/16\n', 1, 'clusterCidr', /10\.244\.0\.0\/16 overlaps with 10\.244\.0\.0\/16/],
  ['timings:\n  node-monitor-period: soon\n', 2, 'timings.node-monitor-period', /expected a duration such as/],
  ['timings:\n  node-period: 1s\n', 2, 'timings.node-period', /unknown timing \(one of: heartbeat-interval/],
  ['programs:\n  etcd-1: a\n  docker: b\n', 3, 'programs.docker', /unknown program/],
  ['programs: {etcd: []}\n', 1, 'programs.etcd', /expected a command/],
  ['- a\n', 1, 'file', /expected fields/],
  ['workers: [\n', 2, 'file', /./],
  ['workers: 1\nworkers: 2\n', 2, 'file', /unique/],
  ['network: loopback\n', 1, 'engine', /the engine must be hollow/],
  ['name: Not-Good\n', 1, 'name', /lower-case/],
])('%j is refused with its line', (text, line, field, message) => {
  const { problems } = parseLabFile(text);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ line, field });
  expect(problems[0]?.message).toMatch(message);
});

test('an empty file asks for nothing', () => {
  expect(parseLabFile('')).toEqual({ config: {}, problems: [] });
});

test('words are split at white space, quotes hold them together', () => {
  expect(splitWords(`a "b c" 'd e'  f`)).toEqual(['a', 'b c', 'd e', 'f']);
});
