// Nobody unauthenticated costs more than a bounded amount: every flood against the real ports of a server in its own process.

import { fileURLToPath } from 'node:url';
import { namespaces } from '@drydock/api/resource.ts';
import { connect } from '@drydock/client/connect.ts';
import { type ChildProcess, fork } from '@drydock/foundation/child-process.ts';
import { expectBounded } from '@drydock/foundation/serving/testing/expect-bounded.ts';
import { floods } from '@drydock/foundation/serving/testing/floods.ts';
import { startAttacker, type Victim } from '@drydock/foundation/serving/testing/under-flood.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { afterAll, beforeAll, test } from 'vitest';
import { wireClient } from '../testing/wire.ts';
import { floodStrangersMax, type WireProcess } from '../testing/wire-process.ts';

const bounds = { attackMs: 250, socketsMax: floodStrangersMax * 2 + 16, descriptorsAtRestMax: 200 };
const clock = new SystemClock();
let child: ChildProcess;
let found: WireProcess;
const attacker = startAttacker();
const victims: Record<string, Victim> = {};

beforeAll(async () => {
  const script = fileURLToPath(new URL('../testing/wire-process.ts', import.meta.url));
  child = fork(script, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  found = await new Promise<WireProcess>((resolve) => child.once('message', (message) => resolve(message as WireProcess)));
  const pid = child.pid ?? 0;
  const path = '/api/v1/namespaces/default/pods';
  const shared = { postPath: path, upgradePath: `${path}/p/exec?command=a`, tls: true } as const;
  const rest = wireClient(`https://127.0.0.1:${found.port}`, found.operator);
  victims.REST = {
    pid,
    target: { ...shared, port: found.port, protocols: ['http/1.1', 'h2'] },
    ask: async () => {
      const { code } = await rest.call('GET', '/api/v1/namespaces');
      if (code !== 200) throw new Error(`answered ${code}`);
    },
  };
  const grpc = await connect(
    {
      server: `grpcs://127.0.0.1:${found.grpcPort}`,
      ca: Buffer.from(found.operator.ca),
      cert: Buffer.from(found.operator.cert),
      key: Buffer.from(found.operator.key),
    },
    { clock, random: new SystemRandom(), userAgent: 'test' },
  );
  victims.gRPC = {
    pid,
    target: {
      ...shared,
      port: found.grpcPort,
      protocols: ['h2'],
      postPath: '/drydock.apiserver.v1.Api/Create',
      requestHeaders: { 'content-type': 'application/grpc', te: 'trailers' },
    },
    ask: async () => void (await grpc.list(namespaces, {})),
  };
}, 60_000);

afterAll(async () => {
  child?.kill();
  await attacker.terminate();
});

const cases = ['REST', 'gRPC'].flatMap((port) =>
  floods
    .filter((flood) => flood.protocol !== 'http/1.1' || port === 'REST')
    .map((flood) => ({ port, name: flood.name, flood })),
);

test.each(cases)('$port: $name', { timeout: 60_000 }, async ({ port, flood }) => {
  await expectBounded(attacker, victims[port] as Victim, flood, bounds, clock);
});
