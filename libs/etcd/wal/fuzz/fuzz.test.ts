import { expect, test } from 'vitest';
import { headerBytes, readFrame, syncedByRecordsAfter } from '../frame.ts';
import { fuzzWal } from './fuzz.ts';

test('no damage makes the log say what it never said', { timeout: 60_000 }, async () => {
  const { outcomes, finding } = await fuzzWal({ cases: 3000, seed: 1 });
  expect(finding).toBeUndefined();
  // All three happen, or else the fuzz would not tell much.
  for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(100);
});

test('a reader that does not look at checksums is found', { timeout: 60_000 }, async () => {
  const careless: typeof readFrame = (buffer, at) => {
    const frame = readFrame(buffer, at);
    if (frame !== 'broken') return frame;
    const view = new DataView(buffer.buffer, buffer.byteOffset + at, headerBytes);
    const end = Math.min(buffer.length, at + Math.ceil((headerBytes + view.getUint32(0, true)) / 8) * 8);
    const payload = buffer.subarray(at + headerBytes, at + headerBytes + view.getUint32(0, true));
    return { payload, previous: view.getUint32(4, true), crc: view.getUint32(8, true), synced: view.getUint32(12, true), end };
  };
  const { finding } = await fuzzWal({ cases: 3000, seed: 1, reader: { readFrame: careless, syncedByRecordsAfter } });
  expect(finding?.what).toMatch(/never saved|threw|durable for certain/);
});

test('a reader that takes damage for a torn tail is found', { timeout: 60_000 }, async () => {
  const reader = { readFrame, syncedByRecordsAfter: () => 0 };
  const { finding } = await fuzzWal({ cases: 3000, seed: 1, reader });
  expect(finding?.what).toMatch(/durable for certain/);
});
