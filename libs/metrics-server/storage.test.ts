import { describe, expect, test } from 'vitest';
import { type MetricsPoint, podId } from './points.ts';
import { MetricsStorage } from './storage.ts';

const id = podId('default', 'web');
const startMs = 1_700_000_000_000;
const resolutionMs = 60_000;
const seconds = 1_000;

/** `cpu` in milliseconds of processor time, times in seconds since `startMs`. */
const point = (at: number, cpu: number, started = 0): MetricsPoint => ({
  startMs: startMs + started * seconds,
  atMs: startMs + at * seconds,
  cpuNanoseconds: cpu * 1e6,
  workingSetBytes: 1024 + at,
});
const pod = (containers: Record<string, MetricsPoint>) => ({
  nodes: new Map<string, MetricsPoint>(),
  pods: new Map([[id, new Map(Object.entries(containers))]]),
});
const node = (at: number, cpu: number) => ({ nodes: new Map([['w1', { ...point(at, cpu), startMs: 0 }]]), pods: new Map() });
const none = { nodes: new Map(), pods: new Map() };

function after(...batches: Parameters<MetricsStorage['store']>[0][]): MetricsStorage {
  const storage = new MetricsStorage(resolutionMs);
  for (const batch of batches) storage.store(batch);
  return storage;
}
const cores = (storage: MetricsStorage) =>
  Object.fromEntries(storage.pod(id)?.containers.map(({ name, usage }) => [name, Number(usage.cpuNanocores) / 1e9]) ?? []);

describe('nodes', () => {
  test('one point says nothing, two say what was used between them', () => {
    expect(after(node(100, 5_000)).node('w1')).toBeUndefined();
    expect(after(node(100, 5_000), node(115, 12_500)).node('w1')).toEqual({
      cpuNanocores: 500_000_000n,
      workingSetBytes: 1139n,
      atMs: startMs + 115 * seconds,
      windowMs: 15 * seconds,
    });
  });

  test('the same point again changes nothing; an older one than both is not trusted', () => {
    expect(after(node(100, 5_000), node(115, 12_500), node(115, 12_500)).node('w1')).toMatchObject({ windowMs: 15 * seconds });
    expect(after(node(100, 5_000), node(115, 12_500), node(110, 9_000)).node('w1')).toMatchObject({ windowMs: 10 * seconds });
    expect(after(node(100, 5_000), node(115, 12_500), node(90, 9_000)).node('w1')).toBeUndefined();
  });

  test('a machine that was started again says nothing until there are two points of it', () => {
    const storage = after(node(100, 5_000), node(115, 10));
    expect(storage.node('w1')).toBeUndefined();
    storage.store(node(130, 1_510));
    expect(storage.node('w1')).toMatchObject({ cpuNanocores: 100_000_000n });
  });

  test('a node that did not answer is forgotten', () => {
    const storage = after(node(100, 5_000), node(115, 12_500), none);
    expect(storage.node('w1')).toBeUndefined();
    storage.store(node(145, 20_000));
    expect(storage.node('w1')).toBeUndefined();
  });
});

describe('pods', () => {
  test('each container by itself; the time is that of the earliest', () => {
    const storage = after(
      pod({ a: point(100, 100), b: point(101, 0.5) }),
      pod({ a: point(160, 30_100), b: point(159, 580.5) }),
    );
    expect(cores(storage)).toEqual({ a: 0.5, b: 0.01 });
    expect(storage.pod(id)).toMatchObject({ atMs: startMs + 159 * seconds, windowMs: 58 * seconds });
    expect(storage.points).toEqual({ nodes: 0, containers: 2 });
  });

  test('a container that has just been started is measured from its start, once that says something', () => {
    expect(cores(after(pod({ a: point(20, 2_000) })))).toEqual({ a: 0.1 });
    expect(cores(after(pod({ a: point(9, 2_000) })))).toEqual({});
    expect(cores(after(pod({ a: point(60, 2_000) })))).toEqual({});
    // Also where there is an earlier point, which is too near the start.
    expect(cores(after(pod({ a: point(5, 100) }), pod({ a: point(20, 2_000) })))).toEqual({ a: 0.1 });
  });

  test('points before a restart do not count', () => {
    const storage = after(pod({ a: point(100, 9_000) }), pod({ a: point(160, 15_000) }));
    storage.store(pod({ a: point(220, 30, 215) }));
    expect(cores(storage)).toEqual({});
    // Two rounds after it; in between the start is too long ago to be a point.
    storage.store(pod({ a: point(280, 6_030, 215) }));
    expect(cores(storage)).toEqual({ a: 0.1 });
  });

  test('as long as one container says nothing, nor does the pod', () => {
    const storage = after(pod({ a: point(100, 100) }), pod({ a: point(160, 6_100), b: point(160, 10, 155) }));
    expect(storage.pod(id)).toBeUndefined();
    storage.store(pod({ a: point(220, 12_100), b: point(220, 610, 155) }));
    expect(cores(storage)).toEqual({ a: 0.1, b: 0.01 });
  });

  test('a container whose counter went back is left out, and one that is gone too', () => {
    const storage = after(pod({ a: point(100, 100), b: point(100, 100) }), pod({ a: point(160, 6_100), b: point(160, 50) }));
    expect(cores(storage)).toEqual({ a: 0.1 });
    storage.store(pod({ a: point(220, 12_100) }));
    expect(cores(storage)).toEqual({ a: 0.1 });
    expect(after(pod({ a: point(100, 100) }), pod({ a: point(160, 50) })).pod(id)).toBeUndefined();
  });

  test('ready is who can say something of nodes and of pods', () => {
    const both = (at: number, cpu: number) => ({ ...node(at, cpu), pods: pod({ a: point(at, cpu) }).pods });
    expect(after(node(100, 1), node(160, 2)).isReady).toBe(false);
    expect(after(both(100, 1)).isReady).toBe(false);
    expect(after(both(100, 1), both(160, 2)).isReady).toBe(true);
    expect(after(both(100, 1), both(160, 2), none).isReady).toBe(false);
  });
});
