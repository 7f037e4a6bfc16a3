import { expect, test } from 'vitest';
import { JsonSplitter, parse } from './json-stream.ts';
import { isGatewayPath, methodOfPath } from './routes.ts';

test('values are cut apart wherever the pieces end', () => {
  const text = '{"a":{"b":"}{\\"\\\\"}} \n{"c":[{}]}{"d":1}';
  const whole = new JsonSplitter(1000).push(text);
  expect(whole).toEqual([{ a: { b: '}{"\\' } }, { c: [{}] }, { d: 1 }]);
  for (let size = 1; size < text.length; size++) {
    const splitter = new JsonSplitter(1000);
    const values = [];
    for (let at = 0; at < text.length; at += size) values.push(...splitter.push(text.slice(at, at + size)));
    expect(values).toEqual(whole);
  }
});

test('what is no object, or too large, is refused', () => {
  expect(() => new JsonSplitter(10).push(' 5')).toThrow("invalid character '5' looking for beginning of value");
  expect(() => new JsonSplitter(10).push('{bad}')).toThrow();
  expect(() => new JsonSplitter(10).push('{"a":"bbbbbbbbbbbbbb')).toThrow('http: request body too large');
});

test.each([
  ['/v3/kv/range', '/etcdserverpb.KV/Range'],
  ['/v3beta/kv/range', '/etcdserverpb.KV/Range'],
  ['/v3/auth/user/add', '/etcdserverpb.Auth/UserAdd'],
  ['/v3/nosuch', undefined],
])('%s is %s', (path, method) => {
  expect(isGatewayPath(path)).toBe(true);
  expect(methodOfPath(path)).toBe(method);
});

test('an int64 that is written as a number keeps its digits', () => {
  expect(parse('{"ID":8624607506308879051,"TTL":5,"x":1.5}')).toEqual({ ID: '8624607506308879051', TTL: 5, x: 1.5 });
});
