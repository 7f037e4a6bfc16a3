// A short differential run: random requests, and the answers of the original. `npm run diff:store` runs longer ones.
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { run } from '../../differential/run.ts';
import { shorten } from '../../differential/shorten.ts';
import { show } from '../../differential/show.ts';
import { ourProgram, upstreamProgram } from './members.ts';

const minuteMs = 60_000;
const original = upstreamProgram('etcd');
const skip = original === undefined || !existsSync(original) ? 'DRYDOCK_UPSTREAM is not set' : undefined;

describe.skipIf(skip !== undefined)(`the same requests to etcd and to ours (${skip ?? original})`, () => {
  test('have the same answers', { timeout: 3 * minuteMs }, async () => {
    const result = await run({ operations: 600, seed: 'integration', original: [original ?? ''], ours: ourProgram });
    expect(result.difference, result.shortest.map(show).join('\n')).toBeUndefined();
    expect(result.played).toBe(600);
  });
});

test('a failing sequence is shortened to what it needs', async () => {
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  const fails = async (part: readonly number[]) => part.includes(17) && part.includes(60);
  expect(await shorten(numbers, fails, 200)).toEqual([17, 60]);
});

test('a difference is found: another limit of operations in a transaction', { timeout: 3 * minuteMs }, async (context) => {
  if (skip !== undefined) return context.skip(skip);
  const ours = [...ourProgram, '--max-txn-ops=2'];
  const result = await run({ operations: 300, seed: 'planted', original: [original ?? ''], ours });
  expect(result.difference?.ours).toContain('too many operations');
  expect(result.shortest).toHaveLength(1);
});
