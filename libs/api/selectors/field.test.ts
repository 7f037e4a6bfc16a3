import { expect, test } from 'vitest';
import type { KubeObject } from '../resource.ts';
import { findResource, type ResourceInfo } from '../scheme.ts';
import { exactName, formatFieldSelector, matchesFields, parseFieldSelector } from './field.ts';

function info(resource: string, group = ''): ResourceInfo {
  const found = findResource(group, 'v1', resource);
  if (found === undefined) throw new Error(resource);
  return found;
}

const pods = info('pods');

// Answers of the original apiserver.
test.each([
  [pods, 'foo=bar', 'field label not supported: foo'],
  [pods, 'spec.nodeName', "invalid selector: 'spec.nodeName'; can't understand 'spec.nodeName'"],
  [pods, 'metadata.name=a=b', 'invalid field selector: unescaped character in value: 61'],
  [pods, 'metadata.name=a\\q', 'invalid field selector: invalid escape sequence: \\q'],
  [pods, '=x', 'field label not supported: '],
  [
    info('deployments', 'apps'),
    'spec.foo=x',
    '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"',
  ],
  [info('jobs', 'batch'), 'foo=x', 'field label "foo" not supported for Job'],
])('%o refuses %s', (type, text, message) => {
  expect(() => parseFieldSelector(type, text)).toThrow(expect.objectContaining({ message, code: 400 }));
});

const pod = {
  metadata: { name: 'p' },
  spec: { nodeName: 'n' },
  status: { phase: 'Running', podIPs: [{ ip: '1.2.3.4' }] },
} as KubeObject;

test.each([
  ['status.phase!=Running,metadata.name=p', false],
  [',metadata.name=p,', true],
  ['spec.nodeName==n', true],
  ['spec.hostNetwork=false', true],
  ['status.podIP=1.2.3.4', true],
  ['spec.nodeName=', false],
])('%s', (text, expected) => {
  expect(matchesFields(pods, parseFieldSelector(pods, text), pod)).toBe(expected);
});

test('the canonical text and the name that a selector fixes', () => {
  const selector = parseFieldSelector(pods, 'status.phase=Running,metadata.name=a\\,b');
  expect(formatFieldSelector(selector)).toBe('metadata.name=a\\,b,status.phase=Running');
  expect(exactName('status.phase=Running,metadata.name=a\\,b')).toBe('a,b');
});
