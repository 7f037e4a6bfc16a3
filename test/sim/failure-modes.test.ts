// Every way of failing has something that shows the guarantee, and it exists.
import { existsSync, readFileSync } from 'node:fs';
import { scenarios } from '@drydock/sim/scenarios/all.ts';
import { expect, test } from 'vitest';
import { failureModes } from './failure-modes.ts';

const root = new URL('../../', import.meta.url);

test('all 28 are there, once', () => {
  expect(failureModes.map(({ row }) => row)).toEqual(Array.from({ length: 28 }, (_, i) => i + 1));
});

test.each(failureModes)('$row: $title', ({ shownBy }) => {
  expect(shownBy.length).toBeGreaterThan(0);
  for (const shown of shownBy) {
    const [path = '', title = ''] = shown.split(': ', 2);
    if (!path.endsWith('.ts')) {
      expect(scenarios.map(({ name }) => name)).toContain(shown);
      continue;
    }
    const file = new URL(path, root);
    expect(existsSync(file), path).toBe(true);
    expect(title).not.toBe('');
    expect(readFileSync(file, 'utf8')).toContain(title);
  }
});
