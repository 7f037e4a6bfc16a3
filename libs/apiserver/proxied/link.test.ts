import { expect, test } from 'vitest';
import { proxiedLink } from './link.ts';

const prefix = '/api/v1/namespaces/n/pods/p:80/proxy';
const base = { prefix, backend: '10.0.0.1:80', asked: 'api.example:6443' };

test.each([
  ['/', `${prefix}/`],
  ['/a', `${prefix}/a`],
  ['/a/', `${prefix}/a/`],
  ['/a?b=/c#/d', `${prefix}/a?b=/c#/d`],
  ['/a/../b/./c', `${prefix}/b/c`],
  ['/a%20b', `${prefix}/a%20b`],
  ['http://10.0.0.1:80/a', `${prefix}/a`],
  ['//10.0.0.1:80/a', `${prefix}/a`],
  ['https://api.example:6443/a', `https://api.example:6443${prefix}/a`],
  ['//api.example:6443/a', `//api.example:6443${prefix}/a`],
  [`${prefix}/a`, `${prefix}/a`],
  [`https://api.example:6443${prefix}/a`, `https://api.example:6443${prefix}/a`],
])('%s is %s', (link, expected) => expect(proxiedLink(link, base)).toBe(expected));

test.each([
  '',
  'a',
  '../a',
  '?a',
  '#a',
  'mailto:a@b',
  'javascript:alert(1)',
  'http://10.0.0.1:81/a',
  'http://10.0.0.1/a',
  'https://elsewhere/a',
  '//elsewhere/a',
  '/%zz',
  'http://10.0.0.1:80',
])('%s stays', (link) => expect(proxiedLink(link, base)).toBe(link));
