import { describe, expect, test } from 'vitest';
import { decodeBatch } from './decode.ts';
import { samplesOf } from './exposition.ts';
import { kubeletAnswerMaxBytes, latestMs } from './limits.ts';
import { nodeObject } from './objects.ts';
import { podId } from './points.ts';
import { MetricsStorage } from './storage.ts';

const askedAtMs = 1_700_000_009_000;
const of = (container: string, pod = 'web') => `{container="${container}",namespace="default",pod="${pod}"}`;
const whole = (container: string, pod = 'web') => [
  `container_cpu_usage_seconds_total${of(container, pod)} 4.710169 1700000000123`,
  `container_memory_working_set_bytes${of(container, pod)} 1.2e+07 1700000000124`,
  `container_start_time_seconds${of(container, pod)} 1.6999999e+09`,
];
const decoded = (...lines: string[]) => {
  const { nodes, pods } = decodeBatch(`${lines.join('\n')}\n`, 'w1', askedAtMs);
  return {
    nodes: Object.fromEntries(nodes),
    pods: Object.fromEntries([...pods].map(([id, c]) => [id, Object.fromEntries(c)])),
  };
};

describe('what a kubelet says', () => {
  test('node and containers, each a point', () => {
    const { nodes, pods } = decoded(
      '# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds',
      '# TYPE node_cpu_usage_seconds_total counter',
      'node_cpu_usage_seconds_total 357.35491 1700000000100',
      'node_memory_working_set_bytes 1.616273408e+09 1700000000100',
      ...whole('c'),
      ...whole('side'),
      'pod_cpu_usage_seconds_total{namespace="default",pod="web"} 9 1700000000123',
      'resource_scrape_error 0',
    );
    expect(nodes).toEqual({
      w1: { startMs: 0, atMs: 1_700_000_000_100, cpuNanoseconds: 357_354_910_000, workingSetBytes: 1_616_273_408 },
    });
    const container = {
      startMs: 1_699_999_900_000,
      atMs: 1_700_000_000_124,
      cpuNanoseconds: 4_710_169_000,
      workingSetBytes: 12_000_000,
    };
    expect(pods).toEqual({ [podId('default', 'web')]: { c: container, side: container } });
  });

  test('a time that is left out is that of the question', () => {
    const { nodes } = decoded('node_cpu_usage_seconds_total 1', 'node_memory_working_set_bytes 2');
    expect(nodes.w1?.atMs).toBe(askedAtMs);
  });

  test.each([
    ['no memory', `container_cpu_usage_seconds_total${of('late')} 1 1700000000123`],
    ['no processor time yet', ...whole('late').map((line) => line.replace(' 4.710169 ', ' 0 '))],
    ['nothing but a start', `container_start_time_seconds${of('late')} 1.7e+09`],
    ['no number', ...whole('late').map((line) => line.replace(' 4.710169 ', ' NaN '))],
  ])('a container with %s takes its pod along, and no other', (_, ...lines) => {
    const { pods } = decoded(...whole('c'), ...lines, ...whole('c', 'other'));
    expect(Object.keys(pods)).toEqual([podId('default', 'other')]);
  });

  test.each(['node_cpu_usage_seconds_total 1 1700000000100', 'node_memory_working_set_bytes 1 1700000000100'])(
    'half of a node is nothing: %s',
    (line) => {
      expect(decoded(line, ...whole('c')).nodes).toEqual({});
    },
  );

  test.each([
    ['a time that no answer can say', '1 99999999999999999', '1 99999999999999999'],
    ['a time after which a window could not be said', '1 9223372036855', '1 9223372036855'],
    ['one time of two that cannot be', '1 -1', '1 1700000000100'],
    ['more processor time than there are numbers for', '1e300 1700000000100', '1 1700000000100'],
    ['more memory than there are numbers for', '1 1700000000100', '1e300 1700000000100'],
  ])('%s: the node is left out, for one answer is about all of them', (_, cpu, memory) => {
    const { nodes } = decoded(`node_cpu_usage_seconds_total ${cpu}`, `node_memory_working_set_bytes ${memory}`);
    expect(nodes).toEqual({});
  });

  test('at the last moment that is believed an answer can still be made', () => {
    const at = (atMs: number, cpu: number) =>
      decodeBatch(`node_cpu_usage_seconds_total ${cpu} ${atMs}\nnode_memory_working_set_bytes 1 ${atMs}\n`, 'w1', askedAtMs);
    const storage = new MetricsStorage(15_000);
    storage.store(at(1, 1));
    storage.store(at(latestMs, 9e9));
    const usage = storage.node('w1');
    expect(usage && nodeObject({ name: 'w1' }, usage, askedAtMs)).toMatchObject({
      timestamp: '2262-04-11T23:47:16Z',
      window: '2562047h47m16.853s',
      usage: { cpu: '975781955n', memory: '1' },
    });
  });

  test('other figures of containers, and those without the names, say nothing', () => {
    const { pods } = decoded(
      ...whole('c'),
      `container_swap_usage_bytes${of('x')} 5`,
      'container_cpu_usage_seconds_total{pod="p"} 5',
    );
    expect(pods).toMatchObject({ [podId('default', 'web')]: { c: {} } });
    expect(Object.keys(pods[podId('default', 'web')] ?? {})).toEqual(['c']);
  });
});

describe('the text format', () => {
  test('labels with escapes, spaces and a comma at the end; times; numbers of every form', () => {
    const text = 'a{x="q\\"\\\\\\n{}", y = "z" , } +Inf 12\n  b 1e-3\n\nc{} NaN -5\n# d 1\ne{__proto__="p"} .5';
    expect([...samplesOf(text)].map((each) => ({ ...each, labels: { ...each.labels } }))).toEqual([
      { name: 'a', labels: { x: 'q"\\\n{}', y: 'z' }, value: Number.POSITIVE_INFINITY, atMs: 12 },
      { name: 'b', labels: {}, value: 0.001, atMs: undefined },
      { name: 'c', labels: {}, value: Number.NaN, atMs: -5 },
      { name: 'e', labels: { ['__proto__']: 'p' }, value: 0.5, atMs: undefined },
    ]);
  });

  test.each([
    'a',
    'a{x="1"',
    'a{x=1} 2',
    'a{x="1" y="2"} 3',
    'a 0x10',
    'a 1 2 3',
    '{x="1"} 2',
    'a{x="1"}{y="2"} 3',
    '<html>',
    'a 1 1.5',
  ])('no sample: %s', (line) => {
    expect(() => [...samplesOf(`ok 1\n${line}`)]).toThrow(`line 2: ${JSON.stringify(line)} is no sample`);
  });

  test('a text as long as a kubelet may send, which is no number only at its end, costs no more than its length', () => {
    const digits = '1'.repeat(kubeletAnswerMaxBytes / 8);
    for (const line of [`a ${digits}x`, `a ${digits}.${digits}x`, `a 1${' '.repeat(digits.length)}x`, `a{b="${digits}`])
      expect(() => [...samplesOf(line)]).toThrow('line 1: ');
  });
});
