import { expect, test } from 'vitest';
import { hostOf } from './host-whitelist.ts';

test.each([
  ['good.example', 'good.example'],
  ['good.example:2379', 'good.example'],
  ['127.0.0.1:2379', '127.0.0.1'],
  ['[::1]:2379', '::1'],
  ['[::1]', '[::1]'],
  ['::1', '::1'],
  ['', ''],
  [':2379', ''],
])('%s is called %s', (text, host) => {
  expect(hostOf(text)).toBe(host);
});
