// Answers of the original kube-apiserver.
import { expect, test } from 'vitest';
import { parsePortRange } from './port-range.ts';

test.each([
  ['30000-32767', 30_000, 32_767],
  ['30000', 30_000, 30_000],
  ['30000+10', 30_000, 30_010],
  [' 30000-30001 ', 30_000, 30_001],
  ['', 30_000, 32_767],
  ['0-10', 0, 10],
])('%j', (text, first, last) => {
  expect(parsePortRange(text)).toEqual({ first, last });
});

test.each([
  ['abc', 'strconv.Atoi: parsing "abc": invalid syntax'],
  ['-5', 'strconv.Atoi: parsing "": invalid syntax'],
  ['1-x', 'strconv.Atoi: parsing "x": invalid syntax'],
  ['99999999999999999999', 'strconv.Atoi: parsing "99999999999999999999": value out of range'],
  ['5-4', 'end port cannot be less than start port: 5-4'],
  ['5+-1', 'unable to parse port range: 5+-1'],
  ['5--3', 'end port cannot be less than start port: 5--3'],
  ['1-70000', 'the port range cannot be greater than 65535: 1-70000'],
  ['5-6+7', 'unable to parse port range: 5-6+7'],
])('%j is refused', (text, message) => {
  expect(() => parsePortRange(text)).toThrow(message);
});
