// What balancers hear at health check node ports, over real sockets.
import { createServer } from 'node:net';
import { silentLog } from '@drydock/foundation/log.ts';
import { afterEach, expect, test, vi } from 'vitest';
import { type HealthCheck, healthChecksOf } from './health-check.ts';
import { HealthCheckServers } from './health-check-server.ts';
import { servicePorts } from './service-port.ts';
import { plainPort } from './testing/plain-port.ts';

const state = { healthy: true };
const failures: [HealthCheck, unknown][] = [];
const servers = new HealthCheckServers({
  log: silentLog,
  proxyHealthy: () => state.healthy,
  failed: (check, error) => failures.push([check, error]),
});
afterEach(async () => {
  await servers.stop();
  state.healthy = true;
  failures.length = 0;
});

const here = '127.0.0.1';
const check = (port: number, localEndpoints: number, name = 'web') =>
  new Map([[`a/${name}`, { namespace: 'a', name, port, localEndpoints }]]);

/** A port that nobody has at the moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, here, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function ask(port: number): Promise<Response> {
  return vi.waitFor(() => fetch(`http://${here}:${port}/healthz`, { headers: { connection: 'close' } }), {
    timeout: 2_000,
    interval: 5,
  });
}

const refused = (port: number) =>
  vi.waitFor(() => expect(fetch(`http://${here}:${port}/`, { headers: { connection: 'close' } })).rejects.toThrow(), {
    timeout: 2_000,
    interval: 5,
  });

test('the answer has the number of ready local endpoints, and is 200 only where there are any and the proxy keeps up', async () => {
  const port = await freePort();
  servers.sync(check(port, 2), [here]);
  const good = await ask(port);
  expect(good.status).toBe(200);
  expect(Object.fromEntries(good.headers)).toMatchObject({
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
    'x-load-balancing-endpoint-weight': '2',
  });
  expect(await good.text()).toBe(
    '{\n\t"service": {\n\t\t"namespace": "a",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
  );
  servers.sync(check(port, 0), [here]);
  expect((await ask(port)).status).toBe(503);
  servers.sync(check(port, 1), [here]);
  state.healthy = false;
  const behind = await ask(port);
  expect([behind.status, await behind.json()]).toMatchObject([503, { localEndpoints: 1, serviceProxyHealthy: false }]);
});

test('a port follows its Service: moved, given to another, closed', async () => {
  const [first, second] = [await freePort(), await freePort()];
  servers.sync(check(first, 1), [here]);
  await ask(first);
  servers.sync(check(second, 1), [here]);
  await ask(second);
  await refused(first);
  servers.sync(check(second, 1, 'other'), [here]);
  await vi.waitFor(async () => expect(await (await ask(second)).json()).toMatchObject({ service: { name: 'other' } }));
  servers.sync(new Map(), [here]);
  await refused(second);
});

test('a port that is taken is reported, and had at the next sync once it is free', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, here, resolve));
  const { port } = taken.address() as { port: number };
  servers.sync(check(port, 1), [here]);
  await vi.waitFor(() => expect(failures).toHaveLength(1));
  expect(failures[0]).toMatchObject([{ name: 'web', port }, { code: 'EADDRINUSE' }]);
  await new Promise((resolve) => taken.close(resolve));
  servers.sync(check(port, 1), [here]);
  expect((await ask(port)).status).toBe(200);
});

test('an address counts once, whatever its ports; only ready ones of this node do', () => {
  const end = (ip: string, local: boolean, ready = true) => ({ ip, port: 80, ready, serving: true, terminating: false, local });
  const endpoints = [end('10.0.0.1', true), end('10.0.0.2', true, false), end('10.0.0.3', false)];
  const port = { ...plainPort, namespace: 'a', name: 'web', healthCheckPort: 30_001, endpoints };
  const checks = healthChecksOf([port, { ...port, portName: 'other' }, { ...port, name: 'without', healthCheckPort: 0 }]);
  expect([...checks]).toEqual([['a/web', { namespace: 'a', name: 'web', port: 30_001, localEndpoints: 1 }]]);
});

test.each([
  ['LoadBalancer', 'Local', 30_001],
  ['LoadBalancer', 'Cluster', 0],
  ['NodePort', 'Local', 0],
])('%s with policy %s: port %d', (type, externalTrafficPolicy, port) => {
  const spec = { type, externalTrafficPolicy, healthCheckNodePort: 30_001, clusterIP: '10.96.0.9', ports: [{ port: 80 }] };
  expect(servicePorts([{ metadata: { name: 's' }, spec }], () => [], 'me').map((each) => each.healthCheckPort)).toEqual([port]);
});
