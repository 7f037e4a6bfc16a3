// Who gets the room of a node, in a world of its own: neither a restart nor the order of answers decides that.
import { expect, test } from 'vitest';
import type { KubeletWorld } from '../testing/kubelet-world.ts';
import { container, pod } from '../testing/pods.ts';
import { happened, scene } from '../testing/scene.ts';

const wants = (cpu: string, hostPort?: number) =>
  container(
    'a',
    {},
    {
      resources: { requests: { cpu } },
      ...(hostPort === undefined ? {} : { ports: [{ containerPort: 80, hostPort }] }),
    },
  );

const verdicts = (world: KubeletWorld, ...names: string[]): string[] =>
  names.map((name) => `${name} ${world.pod(name)?.status?.reason ?? world.pod(name)?.status?.phase}`);

async function removeAll(world: KubeletWorld, ...names: string[]): Promise<void> {
  for (const name of names) await world.delete(name);
  for (const name of names) await world.untilGone(name, 30_000);
}

test('a pod that came while there was no kubelet does not get the room of one that runs', async () => {
  const world = await scene({ cpus: 3, restartMs: 10_000 });
  await world.create(pod('z', [wants('2', 8080)]));
  await world.untilReady('z', 10_000);
  world.crash();
  await world.create(pod('a', [wants('2')]));
  await world.create(pod('b', [wants('1', 8080)]));
  await world.advance(30_000);
  expect(verdicts(world, 'a', 'b', 'z')).toEqual(['a OutOfcpu', 'b NodePorts', 'z Running']);
  expect(happened(world, 'start')).toHaveLength(1);
  await removeAll(world, 'a', 'b', 'z');
});

test('of pods that came while there was no kubelet the first one gets the room, and one that is refused takes none', async () => {
  const world = await scene({ cpus: 3, restartMs: 60_000 });
  world.crash();
  for (const [name, cpu] of [
    ['z', '500'],
    ['y', '2'],
    ['x', '2'],
    ['a', '1'],
  ] as const) {
    await world.create(pod(name, [wants(cpu)]));
    await world.advance(2_000);
  }
  await world.advance(80_000);
  expect(verdicts(world, 'z', 'y', 'x', 'a')).toEqual(['z OutOfcpu', 'y Running', 'x OutOfcpu', 'a Running']);
  await removeAll(world, 'z', 'y', 'x', 'a');
});

test('a pod that was begun has its room though the apiserver was not told of it', async () => {
  const world = await scene({ cpus: 3, restartMs: 10_000 });
  let isCut = true;
  world.fate = ({ name }) => {
    if (name === 'patch pods/status' && isCut) return 'error';
    return name === 'runSandbox' && isCut ? 'crash after' : undefined;
  };
  await world.create(pod('z', [wants('2')]));
  await world.advance(1_000);
  expect(world.pod('z')?.status?.startTime).toBeUndefined();
  isCut = false;
  await world.create(pod('a', [wants('2')]));
  await world.advance(30_000);
  expect(verdicts(world, 'a', 'z')).toEqual(['a OutOfcpu', 'z Running']);
  await removeAll(world, 'a', 'z');
});

test('a pod that was taken out of the API holds no room while what runs of it is ended', async () => {
  const world = await scene({ cpus: 3 });
  await world.create(pod('z', [wants('2')]));
  await world.untilReady('z', 10_000);
  world.fate = ({ name }) => (name === 'stopContainer' ? 'error' : undefined);
  await world.delete('z', 0);
  await world.advance(1_000);
  expect(happened(world, 'stop')).toEqual([]);
  await world.create(pod('a', [wants('2')]));
  await world.untilReady('a', 10_000);
  world.fate = () => undefined;
  await removeAll(world, 'a');
});

test('two pods that want one port of the node: the one that came first has it', async () => {
  const world = await scene();
  await world.create(pod('b', [wants('1', 8080)]));
  await world.advance(1);
  await world.create(pod('a', [wants('1', 8080)]));
  await world.advance(10_000);
  expect(verdicts(world, 'a', 'b')).toEqual(['a NodePorts', 'b Running']);
  await world.delete('b');
  await world.untilGone('b', 20_000);
  await world.create(pod('c', [wants('1', 8080)]));
  await world.untilReady('c', 10_000);
  await removeAll(world, 'a', 'c');
});
