// The status ports take nobody's word and tell everybody little: no caller costs them more than a bound.

import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { fileURLToPath } from 'node:url';
import { type ChildProcess, fork } from '@drydock/foundation/child-process.ts';
import { expectBounded } from '@drydock/foundation/serving/testing/expect-bounded.ts';
import { floods } from '@drydock/foundation/serving/testing/floods.ts';
import { startAttacker, type Victim } from '@drydock/foundation/serving/testing/under-flood.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { afterAll, beforeAll, test } from 'vitest';
import { statusConnectionsMax } from './status-server.ts';

const bounds = { attackMs: 200, socketsMax: statusConnectionsMax + 16, descriptorsAtRestMax: 60 };
const clock = new SystemClock();
const attacker = startAttacker();
let child: ChildProcess;
const victims: Record<string, Victim> = {};

beforeAll(async () => {
  child = fork(fileURLToPath(new URL('./testing/status-process.ts', import.meta.url)), [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ports = await new Promise<{ plain: number; tls: number }>((resolve) =>
    child.once('message', (message) => resolve(message as { plain: number; tls: number })),
  );
  for (const [name, port] of Object.entries(ports)) {
    const tls = name === 'tls';
    victims[name] = {
      pid: child.pid ?? 0,
      target: { port, tls, protocols: ['http/1.1'], postPath: '/healthz', upgradePath: '/healthz' },
      ask: () =>
        new Promise((resolve, reject) => {
          const options = {
            host: '127.0.0.1',
            port,
            path: '/healthz',
            agent: false,
            rejectUnauthorized: false,
            timeout: 5_000,
          };
          const request = (tls ? httpsGet : httpGet)(options, (response) => {
            response.resume();
            response.on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode}`))));
          });
          request.on('timeout', () => request.destroy(new Error('no answer')));
          request.on('error', reject);
        }),
    };
  }
}, 60_000);

afterAll(async () => {
  child?.kill();
  await attacker.terminate();
});

const cases = ['plain', 'tls'].flatMap((port) =>
  floods.filter((flood) => flood.protocol !== 'h2').map((flood) => ({ port, name: flood.name, flood })),
);

test.each(cases)('$port: $name', { timeout: 60_000 }, async ({ port, flood }) => {
  await expectBounded(attacker, victims[port] as Victim, flood, bounds, clock);
});
