import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readAnnotations } from './read.ts';
import { type AnnotationName, annotationTable } from './table.ts';

const prefix = 'nginx.ingress.kubernetes.io';
const read = (name: string, value: string) => readAnnotations({ [`${prefix}/${name}`]: value }, prefix);

test.each<[AnnotationName, string, unknown]>([
  ['ssl-redirect', 'false', false],
  ['ssl-redirect', 'T', true],
  ['rewrite-target', '/$2', '/$2'],
  ['rewrite-target', 'https://example.com/$1?x=1', 'https://example.com/$1?x=1'],
  ['proxy-body-size', '8m', '8m'],
  ['proxy-body-size', '1000', '1000'],
  ['proxy-body-size', '64B', '64'],
  ['proxy-read-timeout', '3600', 3600],
  ['backend-protocol', 'grpc', 'GRPC'],
  ['whitelist-source-range', '10.1.2.3/8, 2001:DB8::1, 192.168.0.1', ['10.0.0.0/8', '2001:db8::1', '192.168.0.1']],
  ['canary-weight', '30', 30],
  ['cors-allow-origin', 'https://*.example.com, https://a.org:8443', ['https://*.example.com', 'https://a.org:8443']],
  ['proxy-next-upstream', 'error  timeout http_502', 'error timeout http_502'],
  ['session-cookie-samesite', 'lax', 'Lax'],
  ['upstream-hash-by', '$binary_remote_addr$request_uri', '$binary_remote_addr$request_uri'],
  ['cors-allow-headers', 'X-A,\n  X-B,X-C\n', 'X-A, X-B,X-C'],
  ['cors-allow-methods', 'GET,\r\nPUT\t, POST', 'GET, PUT , POST'],
  ['server-alias', 'A.example.com,*.example.org', ['a.example.com', '*.example.org']],
])('%s: %s', (name, text, value) => {
  const got = read(name, text);
  expect(got.problems).toEqual([]);
  expect(got.values[name]).toEqual(value);
});

// One attempt or more for each way out of a directive.
const hostile = [
  '/; } http { lua_code_cache off; } #',
  '/"; load_module /tmp/x.so; "',
  "/' ; root / ;'",
  '/\n}\nserver { listen 81; ',
  '/{',
  '/}',
  '/$request_uri',
  ['/', '{http_host}'].join('$'),
  '$1$evil',
  '/ a',
  '/\\',
  '/\u0000',
  '/\r',
  'a,\nb',
  'GET\t,\r\nPUT',
  'x'.repeat(5000),
];
const text = Object.entries(annotationTable);

test.each(text.map(([name]) => name as AnnotationName))('%s takes none of the hostile values', (name) => {
  for (const value of hostile) {
    const got = read(name, value);
    const kept = got.values[name];
    if (got.problems.length > 0) expect(kept).toEqual(annotationTable[name].absent);
    // A regular expression may have braces and backslashes: it stands in quotes. Spaces are of values of several words.
    else
      expect([kept].flat().join(',')).not.toMatch(name === 'canary-by-header-pattern' ? /[;"'\s]/ : /[;{}"'\n\r\t\\]|\$[a-z{]/);
  }
});

test('no realm turns the log-in off', () => {
  const { problems, values } = read('auth-realm', 'off');
  expect([problems.length, values['auth-realm']]).toEqual([1, 'Authentication Required']);
  expect(read('auth-realm', 'off limits').values['auth-realm']).toBe('off limits');
});

test('an alias is the annotation; an empty value is none; other prefixes are not ours', () => {
  expect(read('allowlist-source-range', '10.0.0.0/8').values['whitelist-source-range']).toEqual(['10.0.0.0/8']);
  expect(read('whitelist-source-range', '')).toMatchObject({ problems: [], closed: undefined });
  expect(readAnnotations({ 'example.com/ssl-redirect': 'maybe' }, prefix).problems).toEqual([]);
});

test('every entry says what it does, and its default is one of its own values', () => {
  for (const [name, entry] of text) {
    expect(entry.effect.length, name).toBeGreaterThan(3);
    if (entry.absent !== undefined) expect(entry.kind.parse([entry.absent].flat().join(',')), name).toEqual(entry.absent);
  }
});

test('the README names every annotation that is served', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  for (const [name] of text) expect(readme).toContain(`\`${name}\``);
});
