// Routes in a real network namespace, and real health checks.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { spawnSync } from '@drydock/foundation/child-process.ts';
import { afterAll, expect, test } from 'vitest';
import { healthCheck } from './health-check.ts';
import { netnsRoutes, protocols } from './router.ts';

const netns = `dd-routes-${process.pid}`;
const ip = (...words: string[]) => spawnSync('ip', words, { encoding: 'utf8' });
const made = process.getuid?.() === 0 && ip('netns', 'add', netns).status === 0;
afterAll(() => void (made && ip('netns', 'del', netns)));

test.skipIf(!made)('paths are routes of our own: led, led elsewhere, closed; others are left alone', async () => {
  for (const words of ['link set lo up', 'addr add 192.0.2.1/24 dev lo', 'route add 10.251.0.9/32 via 192.0.2.9'])
    expect(ip('-n', netns, ...words.split(' ')).stderr).toBe('');
  const router = netnsRoutes(netns, protocols.loadBalancers);
  expect(await router.routes()).toEqual(new Map());
  await router.lead('10.251.0.1', '192.0.2.2');
  await router.lead('10.251.0.2', '192.0.2.2');
  await router.lead('10.251.0.1', '192.0.2.3');
  expect(await router.routes()).toEqual(
    new Map([
      ['10.251.0.1', '192.0.2.3'],
      ['10.251.0.2', '192.0.2.2'],
    ]),
  );
  await router.close('10.251.0.1');
  await router.close('10.251.0.1');
  expect([...(await router.routes()).keys()]).toEqual(['10.251.0.2']);
  const pods = netnsRoutes(netns, protocols.pods);
  await pods.lead('10.244.1.0/24', '192.0.2.2');
  expect([...(await pods.routes())]).toEqual([['10.244.1.0/24', '192.0.2.2']]);
  await expect(router.lead('10.251.0.1', '198.51.100.1')).rejects.toThrow(/route replace .*exit status 2: .*invalid gateway/i);
  expect(ip('-n', netns, 'route', 'show', '10.251.0.9').stdout).toContain('192.0.2.9');
  await expect(netnsRoutes('dd-none', '109').routes()).rejects.toThrow('Cannot open network namespace');
});

test('a node is well where it answers 200', async () => {
  let code = 200;
  const server = createServer((request, response) => response.writeHead(request.url === '/healthz' ? code : 404).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await healthCheck('127.0.0.1', port)).toBe(true);
  code = 503;
  expect(await healthCheck('127.0.0.1', port)).toBe(false);
  await new Promise((resolve) => server.close(resolve));
  expect(await healthCheck('127.0.0.1', port)).toBe(false);
});
