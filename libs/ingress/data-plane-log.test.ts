// The data plane with real sockets: what is counted and logged of requests.
import { describe, expect, test } from 'vitest';
import { get, objects, served, setUp, web } from './testing/data-plane.ts';
import { missing } from './testing/served.ts';

describe.skipIf(missing !== undefined)(`the data plane on nginx (${missing ?? 'installed'})`, () => {
  setUp();

  test('counters of requests, by location, method and status', async () => {
    await served.show(objects({ web: [web] }, { host: 'counted.org', paths: ['Prefix / web'] }));
    for (let index = 0; index < 3; index++) await get('/', { host: 'counted.org' });
    await get('/', { host: 'counted.org', method: 'PURGE' });
    const { locationId } = await import('./paths.ts');
    const id = locationId('counted.org', { match: 'prefix', path: '/' });
    const text = (await served.plane.read('/metrics')).join('');
    expect(text).toContain(`requests\t\t${id}\tGET\t200\t\t3\n`);
    expect(text).toContain(`requests\t\t${id}\tOTHER\t200\t\t1\n`);
    expect(text).toMatch(new RegExp(`request_duration_seconds\t0\\.\\d+\t${id}\tGET\t200\t`));
    expect((await served.plane.read('/status')).join('')).toContain('Active connections:');
  });

  test('requests are logged as ingress-nginx logs them, whatever standard output is', async () => {
    const rule = { host: 'example.com', paths: ['Prefix / web'] };
    const withLog = { 'disable-access-log': 'false' };
    expect(await served.check(objects({ web: [web] }, rule), withLog)).toBeUndefined();
    await served.show(objects({ web: [web] }, rule), {}, withLog);
    expect((await get('/')).status).toBe(200);
  });
});
