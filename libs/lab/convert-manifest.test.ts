import { expect, test } from 'vitest';
import { convertManifest, writeManifest } from './convert-manifest.ts';

/** The text as it is printed, and what is said besides. */
function converted(text: string, format: 'yaml' | 'json' = 'yaml'): { text: string; said: string[] } {
  const said: string[] = [];
  return {
    text: writeManifest(
      convertManifest(text, 'old.yaml', (line) => said.push(line)),
      format,
    ),
    said,
  };
}

const cronJob = 'apiVersion: batch/v1beta1\nkind: CronJob\nmetadata:\n  name: a\nspec:\n  schedule: "* * * * *"\n';

test('documents that are served stay as they are written, comments included; the others are written anew', () => {
  const served =
    '# mine\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}   # as it is\ndata:\n  text: |\n    ---x\n    b\n';
  expect(converted(`---\n${served}---\n${cronJob}---\n# nothing\n---\n${served}...\n`)).toEqual({
    text: `${served}---\napiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: a\nspec:\n  schedule: "* * * * *"\n---\n${served}`,
    said: [],
  });
});

test('JSON: one object, or a list of several', () => {
  expect(JSON.parse(converted(JSON.stringify({ apiVersion: 'batch/v1beta1', kind: 'CronJob' }), 'json').text)).toEqual({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
  });
  expect(JSON.parse(converted(`${cronJob}---\n${cronJob}`, 'json').text)).toMatchObject({
    apiVersion: 'v1',
    kind: 'List',
    items: [{ apiVersion: 'batch/v1' }, { apiVersion: 'batch/v1' }],
  });
});

test.each([
  ['a: [', 'old.yaml: line 1: '],
  ['- a\n- b', 'old.yaml: line 1: expected an object with apiVersion and kind'],
  [`${cronJob}---\nkind: Pod\n`, 'old.yaml: line 8: apiVersion: required'],
  ['apiVersion: v1\nkind: 7\n', 'old.yaml: line 1: kind: required'],
])('%j is refused with the place', (text, message) => {
  expect(() => converted(text)).toThrow(message);
});

test('what has no successor is said', () => {
  expect(converted('apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata:\n  name: p\n').said).toEqual([
    expect.stringContaining('PodSecurityPolicy p (policy/v1beta1) has no successor'),
  ]);
});
