// UDP from whoever sends it: no packet ends the server.
import { createSocket, Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Log } from '@drydock/foundation/log.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { afterEach, expect, test, vi } from 'vitest';
import { queryFor } from './exchange.ts';
import { DnsListener } from './listener.ts';
import type { Responder } from './responder.ts';

const errors: unknown[] = [];
const log: Log = { ...silentLog, error: (fields) => errors.push(fields) };
const broken = queryFor('broken.example', 'A', 1);
const responder = {
  respond: async (message: Buffer) => {
    if (message.equals(broken)) throw new Error('a fault of the responder');
    return message;
  },
} as unknown as Responder;
const listener = new DnsListener(responder, log, new SystemClock(), '127.0.0.1', 0);
const client = createSocket('udp4');

afterEach(async () => {
  client.close();
  await listener.stop();
  vi.restoreAllMocks();
});

test('a packet from port 0, and one that the responder fails at, cost nobody else an answer', async () => {
  const rejected = vi.fn();
  process.on('unhandledRejection', rejected);
  try {
    // A source port of 0 takes a raw socket: the packet is handed over as node hands it over.
    const bind = vi.spyOn(Socket.prototype, 'bind');
    await listener.start();
    const socket = bind.mock.contexts.at(-1) as Socket;
    socket.emit('message', queryFor('a.example', 'A', 1), { address: '127.0.0.1', family: 'IPv4', port: 0, size: 27 });
    client.send(broken, listener.port, '127.0.0.1');
    const query = queryFor('a.example', 'A', 2);
    client.send(query, listener.port, '127.0.0.1');
    const [answer] = (await once(client, 'message')) as [Buffer];
    expect(answer).toEqual(query);
    expect(errors).toHaveLength(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(rejected).not.toHaveBeenCalled();
  } finally {
    process.off('unhandledRejection', rejected);
  }
});
