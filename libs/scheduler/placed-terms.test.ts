import { expect, test } from 'vitest';
import { PlacedTerms } from './placed-terms.ts';
import { termsOf } from './pod-terms.ts';
import { pod } from './testing.ts';

const term = (app: string, more: { namespaces?: string[]; namespaceSelector?: object } = {}) => {
  const each = { topologyKey: 'zone', labelSelector: { matchLabels: { app } }, ...more };
  const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [each] } };
  const [found] = termsOf(pod('p', { spec: { affinity } }))?.antiAffinity ?? [];
  if (found === undefined) throw new Error('no term');
  return found;
};

test('a namespace has the terms that name it and those that select namespaces, and none of the others', () => {
  const terms = new PlacedTerms();
  const own = term('own');
  const two = term('two', { namespaces: ['blue', 'green'] });
  const any = term('any', { namespaces: ['blue'], namespaceSelector: {} });
  for (const each of [own, two, any]) terms.count(each, 'n1', 1);
  terms.count(own, 'n2', 1);
  const of = (namespace: string) =>
    Array.from(terms.covering(namespace), ({ term: { key }, nodes }) => [key, [...nodes.keys()]]);
  expect(of('default')).toEqual([
    [own.key, ['n1', 'n2']],
    [any.key, ['n1']],
  ]);
  expect(of('green')).toEqual([
    [two.key, ['n1']],
    [any.key, ['n1']],
  ]);
  expect(of('red')).toEqual([[any.key, ['n1']]]);
  terms.count(own, 'n1', -1);
  expect(of('default')[0]).toEqual([own.key, ['n2']]);
  for (const [each, node] of [
    [own, 'n2'],
    [two, 'n1'],
    [any, 'n1'],
  ] as const)
    terms.count(each, node, -1);
  for (const namespace of ['default', 'blue', 'green']) expect(of(namespace)).toEqual([]);
});
