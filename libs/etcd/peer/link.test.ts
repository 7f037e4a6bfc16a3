// The time that a link gives the other side: a member on an overloaded machine takes connections on, and answers late.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { PeerLink } from './link.ts';

const waiting = { timeout: 10_000, interval: 5 };

/** A machine that takes connections on for a member that does not get to answer them. */
async function busyMachine() {
  const sockets = new Set<Socket>();
  const machine = { url: '', attempts: 0, sockets };
  const server = createServer((socket) => {
    machine.attempts++;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  machine.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return machine;
}

function linkTo(url: string, clock: VirtualClock) {
  let unreachable = 0;
  const link = new PeerLink({ clusterId: 1n, from: 1n, to: 2n, peerUrls: [] }, [url], {
    clock,
    log: silentLog,
    random: new SeededRandom(1).stream('backoff'),
    tls: undefined,
    unreachable: () => unreachable++,
    removed: () => {},
  });
  onTestFinished(() => link.close());
  link.open();
  return { link, lost: () => unreachable };
}

test('a member that does not answer is given more time with every attempt, up to a bound', async () => {
  const machine = await busyMachine();
  const clock = new VirtualClock();
  const { lost } = linkTo(machine.url, clock);
  for (const [i, patienceMs] of [2000, 4000, 8000, 16_000, 16_000].entries()) {
    await vi.waitFor(() => expect(machine.attempts).toBe(i + 1), waiting);
    // The link has seen it too when the time to answer runs, not the time to connect.
    await vi.waitFor(() => expect(clock.nextDueMs()).toBe(clock.monotonicMs() + patienceMs), waiting);
    clock.advance(patienceMs - 1);
    expect(lost()).toBe(i);
    clock.advance(1);
    expect(lost()).toBe(i + 1);
    // Between attempts no more than a second, whatever happened before.
    clock.advance(1000);
  }
});

test('a connection that ends is tried again at once, and with the first patience', async () => {
  const machine = await busyMachine();
  const clock = new VirtualClock();
  const { lost } = linkTo(machine.url, clock);
  for (let i = 1; i <= 4; i++) {
    await vi.waitFor(() => expect(machine.sockets.size).toBe(1), waiting);
    for (const socket of machine.sockets) socket.destroy();
    await vi.waitFor(() => expect(lost()).toBe(i), waiting);
    expect((clock.nextDueMs() ?? 0) - clock.monotonicMs()).toBeLessThanOrEqual(50 * 2 ** (i - 1));
    clock.advance(1000);
  }
  await vi.waitFor(() => expect(clock.nextDueMs()).toBe(clock.monotonicMs() + 2000), waiting);
});
