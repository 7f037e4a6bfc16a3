import { expect, test } from 'vitest';
import { EtcdError } from '../errors.ts';
import { checkedTarget } from './downgrade.ts';

const none = { enabled: false, targetVersion: '' };
const codeOf = (text: string, info = none): string => {
  try {
    return checkedTarget(text, '3.6.0', info);
  } catch (error) {
    if (error instanceof EtcdError) return error.code;
    throw error;
  }
};

test.each([
  ['3.5', '3.5.0'],
  ['3.5.0', '3.5.0'],
  ['3.5.21', '3.5.0'],
  ['3.6', 'downgradeTarget'],
  ['3.4', 'downgradeTarget'],
  ['4.5', 'downgradeTarget'],
  ['', 'downgradeVersionFormat'],
  ['3', 'downgradeVersionFormat'],
  ['v3.5', 'downgradeVersionFormat'],
  ['3.5.x', 'downgradeVersionFormat'],
])('%s', (text, expected) => {
  expect(codeOf(text)).toBe(expected);
});

test('one at a time', () => {
  expect(codeOf('3.5', { enabled: true, targetVersion: '3.5.0' })).toBe('downgradeInProcess');
});
