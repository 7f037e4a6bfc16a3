// The data plane with real sockets: hosts, paths, and what a request becomes on its way to a backend.
import { describe, expect, test } from 'vitest';
import { backend, get, json, objects, served, setUp, web } from './testing/data-plane.ts';
import { missing } from './testing/served.ts';

describe.skipIf(missing !== undefined)(`the data plane on nginx (${missing ?? 'installed'})`, () => {
  setUp();

  test('hosts and paths: each goes to its Service, what nobody has is 404, no endpoints are 503', async () => {
    const a = await backend('a');
    const problems = await served.show(
      objects(
        { web: [web], a: [a], none: [] },
        { host: 'example.com', paths: ['Prefix / web', 'Exact /a a', 'Prefix /none none'] },
        { name: 'wild', host: '*.example.com', paths: ['Prefix / a'] },
      ),
    );
    expect(problems).toEqual([]);
    const to = async (path: string, host?: string) => {
      const answer = await get(path, host === undefined ? {} : { host });
      return answer.status === 200 ? json(answer).name : answer.status;
    };
    expect(await to('/')).toBe('web');
    expect(await to('/a')).toBe('a');
    expect(await to('/a/')).toBe('web');
    expect(await to('/none/x')).toBe(503);
    expect(await to('/', 'x.example.com')).toBe('a');
    expect(await to('/', 'EXAMPLE.com:80')).toBe('web');
    expect(await to('/', 'x.y.example.com')).toBe(404);
    expect(await to('/', 'other.org')).toBe(404);
    expect((await get('/', { host: 'other.org' })).body).toContain('<center>nginx</center>');
  });

  test('what backends are told of the client: the real address, and nothing that a client claims', async () => {
    await served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const headers = {
      'x-forwarded-for': '6.6.6.6',
      'x-real-ip': '6.6.6.6',
      'x-forwarded-proto': 'https',
      proxy: 'evil',
      forwarded: 'for=6.6.6.6',
    };
    const told = json(await get('/x?y=1', { headers })).headers;
    expect(told).toMatchObject({
      host: 'example.com',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'example.com',
      'x-forwarded-proto': 'http',
      'x-forwarded-scheme': 'http',
      'x-scheme': 'http',
      'x-original-forwarded-for': '6.6.6.6',
      forwarded: 'for=127.0.0.1;host=example.com;proto=http',
      'x-request-id': expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(told.proxy).toBeUndefined();
    expect(told['x-forwarded-port']).toBe(String(served.httpPort));
  });

  test('use-forwarded-headers believes who stands before us', async () => {
    const rule = { host: 'example.com', paths: ['Prefix / web'] };
    await served.show(objects({ web: [web] }, rule), {}, { 'use-forwarded-headers': 'true' });
    const told = json(await get('/', { headers: { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https' } })).headers;
    expect(told).toMatchObject({ 'x-real-ip': '6.6.6.6', 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https' });
  });

  test('rewrite-target with groups, use-regex, x-forwarded-prefix, upstream-vhost', async () => {
    const annotations = { 'rewrite-target': '/$2', 'use-regex': 'true', 'upstream-vhost': 'inner.local' };
    await served.show(
      objects(
        { web: [web] },
        { host: 'example.com', paths: ['ImplementationSpecific /something(/|$)(.*) web'], annotations },
        { name: 'b', host: 'b.org', paths: ['ImplementationSpecific /nodejs web'], annotations: { 'rewrite-target': '/' } },
      ),
    );
    const url = async (path: string, host = 'example.com') => json(await get(path, { host })).url;
    expect(await url('/something/new?q=1')).toBe('/new?q=1');
    expect(await url('/something')).toBe('/');
    expect(await url('/SOMETHING/a%20b')).toBe('/a%20b');
    expect(await url('/nodejs/deep', 'b.org')).toBe('/');
    expect(json(await get('/something/')).headers.host).toBe('inner.local');
    expect((await get('/other')).status).toBe(404);
  });

  test('redirects: app-root, permanent, temporal, to HTTPS', async () => {
    const rule = (name: string, annotations: Record<string, string>) => ({
      name,
      host: `${name}.org`,
      paths: ['Prefix / web'],
      annotations,
    });
    await served.show(
      objects(
        { web: [web] },
        rule('app', { 'app-root': '/app/' }),
        rule('gone', { 'permanent-redirect': 'https://new.org/x', 'permanent-redirect-code': '308' }),
        rule('away', { 'temporal-redirect': 'http://tmp.org' }),
        rule('forced', { 'force-ssl-redirect': 'true' }),
        { host: 'example.com', paths: ['Prefix / web'], tls: [{ hosts: ['example.com'], secretName: 'tls' }] },
        {
          name: 'plain',
          host: 'plain.org',
          paths: ['Prefix / web'],
          tls: [{ hosts: ['plain.org'] }],
          annotations: { 'ssl-redirect': 'false' },
        },
      ),
    );
    const to = async (host: string, path = '/') => {
      const { status, headers } = await get(path, { host });
      return [status, headers.location];
    };
    expect(await to('app.org')).toEqual([302, 'http://app.org/app/']);
    expect(await to('app.org', '/else')).toEqual([200, undefined]);
    expect(await to('gone.org', '/a')).toEqual([308, 'https://new.org/x']);
    expect(await to('away.org')).toEqual([302, 'http://tmp.org']);
    expect(await to('forced.org', '/a?b=c')).toEqual([308, `https://forced.org:${served.httpsPort}/a?b=c`]);
    expect(await to('example.com', '/a')).toEqual([308, `https://example.com:${served.httpsPort}/a`]);
    expect(await to('plain.org')).toEqual([200, undefined]);
  });
});
