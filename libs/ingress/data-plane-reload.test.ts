// The data plane with real sockets: reloads, refused configurations, and an nginx that is left or killed.
import { Agent, request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { backend, get, json, objects, served, serveFrom, setUp, web } from './testing/data-plane.ts';
import { missing, Served } from './testing/served.ts';

describe.skipIf(missing !== undefined)(`the data plane on nginx (${missing ?? 'installed'})`, () => {
  setUp();

  test('a reload loses no request of new connections, and lets what is under way end', async () => {
    const slow = await backend('slow', (_incoming, answer) => {
      setTimeout(() => answer.end('slow'), 300);
    });
    const show = (extra: string) =>
      served.show(
        objects(
          { web: [web], slow: [slow] },
          { host: 'example.com', paths: ['Prefix / web', 'Exact /slow slow', `Exact /${extra} web`] },
        ),
      );
    await show('first');
    let stop = false;
    const statuses: number[] = [];
    const clients = Array.from({ length: 4 }, async () => {
      while (!stop) statuses.push((await get('/')).status);
    });
    for (let index = 0; index < 5; index++) {
      const pending = get('/slow');
      await show(`r${index}`);
      expect((await pending).body).toBe('slow');
    }
    stop = true;
    await Promise.all(clients);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(statuses.length).toBeGreaterThan(20);
  });

  test('a reload loses no request of kept connections either', async () => {
    const show = (extra: string) =>
      served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web', `Exact /${extra} web`] }));
    await show('first');
    const agent = new Agent({ keepAlive: true });
    const kept = (): Promise<number> =>
      new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port: served.httpPort, headers: { host: 'example.com' }, agent }, (answer) => {
          answer.resume();
          answer.on('end', () => resolve(answer.statusCode ?? 0));
        })
          .on('error', reject)
          .end();
      });
    let stop = false;
    const outcomes: (number | string)[] = [];
    const clients = Array.from({ length: 6 }, async () => {
      while (!stop) outcomes.push(await kept().catch((error: Error) => error.message));
    });
    for (let index = 0; index < 8; index++) await show(`k${index}`);
    stop = true;
    await Promise.all(clients);
    agent.destroy();
    expect(outcomes.filter((outcome) => outcome !== 200)).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(200);
  });

  test('a configuration that nginx would refuse is found before it is served', async () => {
    await served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const bad = objects(
      { web: [web] },
      { host: 'example.com', paths: ['ImplementationSpecific /a(b web'], annotations: { 'use-regex': 'true' } },
    );
    expect(await served.check(bad)).toContain('missing closing parenthesis');
    expect(await served.check(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'] }))).toBeUndefined();
    expect((await get('/')).status).toBe(200);
  });

  test('nginx outlives its controller and is taken over; killed, it comes back without what its orphans knew', async () => {
    const { findMaster } = await import('./nginx/processes.ts');
    const rule = { host: 'example.com', paths: ['Prefix / web'] };
    await served.show(objects({ web: [web] }, rule));
    const before = findMaster(`${served.folder}/here`);
    served.plane.leave();
    const other = await Served.create({ folder: served.folder, httpPort: served.httpPort, httpsPort: served.httpsPort });
    const b = await backend('b');
    await other.show(objects({ web: [b] }, { ...rule, paths: ['Prefix / web', 'Exact /more web'] }));
    expect(findMaster(`${served.folder}/here`)).toBe(before);
    expect(json(await get('/more')).name).toBe('b');
    process.kill(before ?? 0, 'SIGKILL');
    await expect.poll(() => findMaster(`${served.folder}/here`) ?? before).not.toBe(before);
    await expect.poll(async () => (await get('/').catch(() => undefined))?.status).toBe(200);
    serveFrom(other);
  });
});
