// The data plane with real sockets: which endpoint a request goes to.
import { describe, expect, test } from 'vitest';
import { backend, get, json, objects, served, servers, setUp, web } from './testing/data-plane.ts';
import { missing } from './testing/served.ts';

describe.skipIf(missing !== undefined)(`the data plane on nginx (${missing ?? 'installed'})`, () => {
  setUp();

  test('endpoints that come and go count from the next request on, without a reload', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const rule = { host: 'example.com', paths: ['Prefix / web'] };
    await served.show(objects({ web: [a] }, rule));
    const names = async () => new Set(await Promise.all(Array.from({ length: 8 }, async () => json(await get('/')).name)));
    expect(await names()).toEqual(new Set(['a']));
    await served.showBackends(objects({ web: [a, b] }, rule));
    expect(await names()).toEqual(new Set(['a', 'b']));
    await served.showBackends(objects({ web: [b] }, rule));
    expect(await names()).toEqual(new Set(['b']));
    await served.showBackends(objects({ web: [] }, rule));
    expect((await get('/')).status).toBe(503);
  });

  test('an affinity cookie keeps a client at its endpoint; the cookie of one that is gone is replaced', async () => {
    const ports = [await backend('a'), await backend('b'), await backend('c')];
    const annotations = { affinity: 'cookie', 'session-cookie-name': 'route', 'session-cookie-max-age': '172800' };
    const rule = { host: 'example.com', paths: ['Prefix /app web'], annotations };
    await served.show(objects({ web: ports }, rule));
    const first = await get('/app');
    const [setCookie = ''] = first.headers['set-cookie'] ?? [];
    expect(setCookie).toMatch(/^route=[0-9a-f]{32}; Path=\/app; Max-Age=172800; HttpOnly$/);
    const cookie = setCookie.split(';')[0] ?? '';
    for (let index = 0; index < 10; index++) {
      const again = await get('/app', { headers: { cookie } });
      expect(json(again).name).toBe(json(first).name);
      expect(again.headers['set-cookie']).toBeUndefined();
    }
    const gone = ports[['a', 'b', 'c'].indexOf(json(first).name)];
    await served.showBackends(objects({ web: ports.filter((port) => port !== gone) }, rule));
    const moved = await get('/app', { headers: { cookie } });
    expect(json(moved).name).not.toBe(json(first).name);
    expect(moved.headers['set-cookie']?.[0]).toMatch(/^route=/);
  });

  test('canaries by header, value, pattern, cookie and weight', async () => {
    const next = await backend('next');
    const show = (annotations: Record<string, string>) =>
      served.show(
        objects(
          { web: [web], next: [next] },
          { host: 'example.com', paths: ['Prefix / web'] },
          { name: 'canary', host: 'example.com', paths: ['Prefix / next'], annotations: { canary: 'true', ...annotations } },
        ),
      );
    const to = async (headers: Record<string, string> = {}) => json(await get('/', { headers })).name;
    await show({ 'canary-by-header': 'X-Canary' });
    expect([
      await to({ 'x-canary': 'always' }),
      await to({ 'x-canary': 'never' }),
      await to({ 'x-canary': 'x' }),
      await to(),
    ]).toEqual(['next', 'web', 'web', 'web']);
    await show({ 'canary-by-header': 'X-Canary', 'canary-by-header-value': 'me' });
    expect([await to({ 'x-canary': 'me' }), await to({ 'x-canary': 'always' })]).toEqual(['next', 'web']);
    await show({ 'canary-by-header': 'X-Canary', 'canary-by-header-pattern': '^v[0-9]{1,2}$' });
    expect([await to({ 'x-canary': 'v12' }), await to({ 'x-canary': 'v123' })]).toEqual(['next', 'web']);
    await show({ 'canary-by-cookie': 'beta' });
    expect([await to({ cookie: 'beta=always' }), await to({ cookie: 'beta=never' })]).toEqual(['next', 'web']);
    await show({ 'canary-weight': '30' });
    const names = await Promise.all(Array.from({ length: 200 }, () => to()));
    const share = names.filter((name) => name === 'next').length;
    // 60 expected; five standard deviations either way.
    expect(share).toBeGreaterThan(27);
    expect(share).toBeLessThan(93);
    await show({ 'canary-weight': '100' });
    expect(await to()).toBe('next');
  });

  test('an endpoint that refuses, or dies before it answers, is not what an idempotent request ends at', async () => {
    const dead = await backend('dead');
    const dying = await backend('dying', (incoming) => incoming.socket.destroy());
    servers.at(-2)?.close();
    await served.show(objects({ web: [dead, dying, web] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const names = await Promise.all(Array.from({ length: 30 }, async () => json(await get('/')).name));
    expect(new Set(names)).toEqual(new Set(['web']));
    // What has reached a backend may have been done: it is not sent again.
    const posts = await Promise.all(
      Array.from({ length: 12 }, async () => (await get('/', { method: 'POST', body: 'x' })).status),
    );
    expect(new Set(posts)).toEqual(new Set([200, 502]));
  });

  test('connections to backends are kept', async () => {
    let connections = 0;
    const port = await backend('kept');
    servers.at(-1)?.on('connection', () => {
      connections++;
    });
    await served.show(objects({ web: [port] }, { host: 'example.com', paths: ['Prefix / web'] }));
    for (let index = 0; index < 20; index++) expect((await get('/')).status).toBe(200);
    expect(connections).toBe(1);
  });
});
