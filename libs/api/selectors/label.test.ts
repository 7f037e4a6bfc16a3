import { expect, test } from 'vitest';
import { formatLabelSelector, matchesLabelSelector, matchesLabels, parseLabelSelector } from './label.ts';

const name =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const value =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

// Answers of the original apiserver.
test.each([
  ['a in', "unable to parse requirement: found '' expected: '('"],
  ['-x=1', `unable to parse requirement: <nil>: Invalid value: "-x": name part ${name}`],
  ['a=b=c', "found '=', expected: ',' or 'end of string'"],
  [
    'a>x',
    "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
  ],
  [',', "found ',', expected: !, identifier, or 'end of string'"],
  ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['a=-b-', `unable to parse requirement: values[0][a]: Invalid value: "-b-": ${value}`],
  ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['(a)', "found '(', expected: !, identifier, or 'end of string'"],
  ['!a in (b)', "found 'in', expected: ',' or 'end of string'"],
  ['a,,b', "found ',', expected: identifier after ','"],
])('%s is refused', (text, message) => {
  expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ message, code: 400 }));
});

test.each([
  ['z=1,a in (c, b ,c),!f,g', 'a in (b,c),!f,g,z=1'],
  ['a==b', 'a==b'],
  ['a=', 'a='],
  ['a in ()', 'a in ()'],
  ['n>5,m<7', 'm<7,n>5'],
  ['', ''],
])('%s is written as %s', (text, canonical) => {
  expect(formatLabelSelector(parseLabelSelector(text))).toBe(canonical);
});

test.each([
  ['a=b', { a: 'b' }, true],
  ['a=b', {}, false],
  ['a!=b', {}, true],
  ['a notin (b,c)', { a: 'c' }, false],
  ['a notin (b,c)', {}, true],
  ['!a', { a: '' }, false],
  ['a', { a: '' }, true],
  ['n>5', { n: '6' }, true],
  ['n>5', { n: 'x' }, false],
  ['n<5', { n: '5' }, false],
  ['toString', {}, false],
  ['', {}, true],
])('%s on %j gives %s', (text, labels, expected) => {
  expect(matchesLabels(parseLabelSelector(text), labels)).toBe(expected);
});

test('selector objects: none selects nothing, an empty one everything', () => {
  expect(matchesLabelSelector(undefined, { a: 'b' })).toBe(false);
  expect(matchesLabelSelector({}, { a: 'b' })).toBe(true);
  const expressions = {
    matchExpressions: [
      { key: 'a', operator: 'In', values: ['b'] },
      { key: 'c', operator: 'DoesNotExist' },
    ],
  };
  expect(matchesLabelSelector(expressions, { a: 'b' })).toBe(true);
  expect(matchesLabelSelector(expressions, { a: 'b', c: '' })).toBe(false);
  expect(matchesLabelSelector({ matchExpressions: [{ key: 'a', operator: 'Nope' }] }, { a: 'b' })).toBe(false);
});
