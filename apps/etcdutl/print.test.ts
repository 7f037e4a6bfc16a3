import { expect, test } from 'vitest';
import { humanBytes, render, statusResult } from './print.ts';

const status = { hash: 0xd527a373, revision: 100_000_002, totalKey: 10, totalSize: 20_480, version: '3.6.0' };

test.each([
  [0, '0 B'],
  [9, '9 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9950, '10 kB'],
  [20_480, '20 kB'],
  [57_344, '57 kB'],
  [1_000_000, '1.0 MB'],
  [2_147_483_648, '2.1 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(humanBytes(bytes)).toBe(text);
});

test('every format', () => {
  expect(render('simple', statusResult(status))).toBe('d527a373, 100000002, 10, 20 kB, 3.6.0\n');
  expect(render('fields', statusResult(status))).toBe(
    '"Hash" : 3576144755\n"Revision" : 100000002\n"Keys" : 10\n"Size" : 20480\n"Version" : 3.6.0\n',
  );
  expect(JSON.parse(render('json', statusResult(status)) ?? '')).toEqual(status);
  expect(render('protobuf', statusResult(status))).toBeUndefined();
  expect(render('table', statusResult(status))).toBe(
    [
      '┌──────────┬───────────┬────────────┬────────────┬─────────┐',
      '│   HASH   │ REVISION  │ TOTAL KEYS │ TOTAL SIZE │ VERSION │',
      '├──────────┼───────────┼────────────┼────────────┼─────────┤',
      '│ d527a373 │ 100000002 │         10 │      20 kB │   3.6.0 │',
      '└──────────┴───────────┴────────────┴────────────┴─────────┘\n',
    ].join('\n'),
  );
});
