import type { Ingress, IngressClass } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { type ClassOptions, classAnnotation, classProblem, isOurs } from './class.ts';

const ours = 'k8s.io/ingress-nginx';
const options: ClassOptions = { controller: ours, annotationValue: 'nginx', watchWithoutClass: false, byName: false };
const classOf = (name: string, controller: string): IngressClass => ({ metadata: { name }, spec: { controller } });
const classes = [classOf('nginx', ours), classOf('internal', ours), classOf('other', 'example.com/other')];
const of = (name?: string, annotation?: string): Ingress => ({
  metadata: { annotations: annotation === undefined ? {} : { [classAnnotation]: annotation } },
  spec: name === undefined ? {} : { ingressClassName: name },
});

test.each([
  ['our class', of('nginx'), true],
  ['another class of ours', of('internal'), true],
  ["another controller's class", of('other'), false],
  ['a class that does not exist', of('nginx-example'), false],
  ['nothing', of(), false],
  ['the older annotation', of(undefined, 'nginx'), true],
  ['the older annotation with the name of a class of ours', of(undefined, 'internal'), true],
  ['the older annotation with another value', of(undefined, 'gce'), false],
  ['both: the annotation wins', of('other', 'nginx'), true],
  ['both: the annotation wins, also against us', of('nginx', 'gce'), false],
])('an Ingress with %s', (_name, ingress, served) => {
  expect(isOurs(ingress, classes, options)).toBe(served);
});

test('--watch-ingress-without-class takes Ingresses that say nothing, --ingress-class-by-name takes a class by its name', () => {
  expect(isOurs(of(), classes, { ...options, watchWithoutClass: true })).toBe(true);
  const foreign = [classOf('nginx', 'example.com/other')];
  expect(isOurs(of('nginx'), foreign, options)).toBe(false);
  expect(isOurs(of('nginx'), foreign, { ...options, byName: true })).toBe(true);
});

test('two controllers beside each other share no Ingress', () => {
  const other: ClassOptions = { ...options, controller: 'example.com/other', annotationValue: 'other' };
  for (const ingress of [of('nginx'), of('internal'), of('other'), of(undefined, 'other'), of(undefined, 'nginx')])
    expect([isOurs(ingress, classes, options), isOurs(ingress, classes, other)].filter(Boolean)).toHaveLength(1);
});

test('parameters of a class are not ours to read, and that is said', () => {
  const parameters = { apiGroup: 'k8s.example.com', kind: 'IngressParameters', name: 'external-lb' };
  const withParameters: IngressClass = { metadata: { name: 'nginx' }, spec: { controller: ours, parameters } };
  expect(classProblem(withParameters)).toContain('k8s.example.com/IngressParameters external-lb');
  expect(classProblem(classes[0] ?? {})).toBeUndefined();
});
