import { expect, test } from 'vitest';
import { parseReference } from './reference.ts';

const digest = `sha256:${'5'.repeat(64)}`;

test.each([
  ['mysql', 'docker.io/library/mysql', undefined, undefined],
  ['mysql:5.6', 'docker.io/library/mysql', '5.6', undefined],
  ['docker.io/mysql:5.6', 'docker.io/library/mysql', '5.6', undefined],
  ['jettech/certgen:v1', 'docker.io/jettech/certgen', 'v1', undefined],
  ['localhost:5000/a/b', 'localhost:5000/a/b', undefined, undefined],
  [`k8s.gcr.io/ingress-nginx/controller:v0.46.0@${digest}`, 'k8s.gcr.io/ingress-nginx/controller', 'v0.46.0', digest],
  [`x.io/a@${digest}`, 'x.io/a', undefined, digest],
])('%s', (text, repository, tag, found) => {
  expect(parseReference(text)).toEqual({ repository, tag, digest: found });
});

test.each(['', 'mysql:', 'MySQL', 'a//b', 'a b', '../a', 'mysql:5.6@sha256:abc', 'https://a/b'])('%j is no name', (text) => {
  expect(parseReference(text)).toBeUndefined();
});
