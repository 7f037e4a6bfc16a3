// A WireServer in a process of its own, for tests that measure what it costs: tells its parent where it is, ends with it.
import process from 'node:process';
import type { ServingTimes } from '@drydock/foundation/serving/bounds.ts';
import { freePort, type TlsParts, WireServer } from './wire.ts';

export interface WireProcess {
  readonly port: number;
  readonly grpcPort: number;
  readonly operator: TlsParts;
}

/** What the tests of floods let strangers have; short, so that they end within a test. */
export const floodTimes: ServingTimes = { graceMs: 300, handshakeMs: 1_000, headersMs: 1_000, idleMs: 1_000, sweepMs: 200 };
export const floodStrangersMax = 32;

if (process.send !== undefined) {
  const grpcPort = await freePort();
  const server = await WireServer.start({ grpcPort, times: floodTimes, strangersMax: floodStrangersMax });
  await server.operator();
  const found: WireProcess = {
    port: Number(new URL(server.base).port),
    grpcPort,
    operator: await server.certificate('operator'),
  };
  process.send(found);
  process.on('disconnect', () => process.exit());
}
