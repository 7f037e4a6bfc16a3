// The data plane with real sockets: who may come, from where, and how often.
import { describe, expect, test } from 'vitest';
import { get, json, objects, served, setUp, web } from './testing/data-plane.ts';
import { missing } from './testing/served.ts';

describe.skipIf(missing !== undefined)(`the data plane on nginx (${missing ?? 'installed'})`, () => {
  setUp();

  test('who may come: ranges, log-ins, and both', async () => {
    const rule = (host: string, annotations: Record<string, string>) => ({
      name: host.split('.')[0] ?? '',
      host,
      paths: ['Prefix / web'],
      annotations,
    });
    const auth = { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': 'Only jane' };
    await served.show(
      objects(
        { web: [web] },
        rule('open.org', { 'whitelist-source-range': '127.0.0.0/8,10.0.0.0/8' }),
        rule('shut.org', { 'whitelist-source-range': '10.0.0.0/8' }),
        rule('deny.org', { 'denylist-source-range': '127.0.0.1' }),
        rule('auth.org', auth),
        rule('any.org', { ...auth, 'whitelist-source-range': '127.0.0.1', satisfy: 'any' }),
        rule('bad.org', { 'whitelist-source-range': 'everybody' }),
      ),
    );
    const status = async (host: string, headers: Record<string, string> = {}) => (await get('/', { host, headers })).status;
    const login = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    expect(await status('open.org')).toBe(200);
    expect(await status('shut.org')).toBe(403);
    expect(await status('deny.org')).toBe(403);
    expect(await status('bad.org')).toBe(503);
    expect(await status('any.org')).toBe(200);
    const asked = await get('/', { host: 'auth.org' });
    expect([asked.status, asked.headers['www-authenticate']]).toEqual([401, 'Basic realm="Only jane"']);
    expect(await status('auth.org', login('joe:wrong'))).toBe(401);
    const inside = await get('/', { host: 'auth.org', headers: login('joe:secret') });
    expect(inside.status).toBe(200);
    expect(json(inside).headers.authorization).toBeUndefined();
  });

  test('CORS: preflight requests are answered, other origins get nothing', async () => {
    const annotations = {
      'enable-cors': 'true',
      'cors-allow-origin': 'https://*.example.com,http://a.org',
      'cors-max-age': '600',
    };
    await served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'], annotations }));
    const ask = (origin: string, method = 'GET') => get('/', { method, headers: { origin } });
    const preflight = await ask('https://sub.example.com', 'OPTIONS');
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': 'https://sub.example.com',
      'access-control-allow-methods': 'GET, PUT, POST, DELETE, PATCH, OPTIONS',
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '600',
    });
    expect((await ask('http://a.org')).headers['access-control-allow-origin']).toBe('http://a.org');
    for (const origin of ['https://evil.org', 'https://example.com.evil.org', 'https://evil/.example.com', 'null'])
      expect((await ask(origin)).headers['access-control-allow-origin'], origin).toBeUndefined();
  });

  test('limits: requests beyond them are refused, and counted by address', async () => {
    const annotations = { 'limit-rps': '1', 'limit-burst-multiplier': '2' };
    await served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'], annotations }));
    const all = await Promise.all(Array.from({ length: 12 }, async () => (await get('/')).status));
    expect(all.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
    expect(all.filter((status) => status === 503).length).toBeGreaterThanOrEqual(6);
  });
});
