// A short run of `npm run fuzz:http2`.
import { expect, test } from 'vitest';
import { fuzzHttp2 } from './http2/fuzz.ts';

test('a member bears ten thousand cases of frames, header blocks and messages', { timeout: 240_000 }, async () => {
  const report = await fuzzHttp2({ cases: 10_000, seed: 'test' });
  expect(report.finding).toBeUndefined();
  // It did look at them: some connections were ended for each of these reasons, and some for none.
  expect([...report.endings.keys()]).toEqual(expect.arrayContaining(['protocol', 'compression', 'frameSize']));
});
