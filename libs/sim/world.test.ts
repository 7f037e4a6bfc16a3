import { expect, test } from 'vitest';
import { DeterminismError } from './guard.ts';
import { SimProcess } from './process.ts';
import { World } from './world.ts';

test('events happen in the order of their time, and promises between them', async () => {
  const world = new World(1);
  const seen: string[] = [];
  world.schedule(20, () => seen.push('late'));
  world.schedule(10, async () => {
    seen.push('early');
    await undefined;
    await undefined;
    seen.push('its promises');
  });
  await world.run(1000);
  expect(seen).toEqual(['early', 'its promises', 'late']);
  expect(world.nowUs).toBe(1000);
});

test('code that reaches past its ports is told so, and what was replaced comes back', async () => {
  const forbidden = [
    () => Date.now(),
    () => new Date(),
    () => Math.random(),
    () => setTimeout(() => {}, 1),
    () => performance.now(),
  ];
  for (const reach of forbidden) {
    const world = new World(1);
    world.schedule(1, reach);
    await expect(world.run(10)).rejects.toThrow(DeterminismError);
  }
  expect(Date.now()).toBeGreaterThan(0);
  const world = new World(1);
  world.schedule(1, () => new Date(0).toISOString());
  await world.run(10);
});

test('a dead process does nothing, a stopped one later', async () => {
  const world = new World(1);
  const dead = new SimProcess(world, 'dead');
  const stopped = new SimProcess(world, 'stopped');
  const seen: string[] = [];
  dead.after(10, () => seen.push('dead'));
  stopped.after(20, () => seen.push(`second at ${world.nowUs}`));
  stopped.after(10, () => seen.push('first'));
  world.schedule(5, () => dead.kill());
  world.schedule(5, () => stopped.pause());
  world.schedule(50, () => stopped.resume());
  await world.run(100);
  expect(seen).toEqual(['first', 'second at 51']);
});

test('a plan kills before or after an effect', () => {
  const world = new World(1);
  const seen: string[] = [];
  for (const when of ['before', 'after'] as const) {
    const life = new SimProcess(world, when);
    life.crashPlan = { point: 'disk', count: 2, when };
    for (let i = 1; i <= 3; i++) life.effect('disk', () => seen.push(`${when} ${i}`));
    expect(life.alive).toBe(false);
  }
  expect(seen).toEqual(['before 1', 'after 1', 'after 2']);
});
