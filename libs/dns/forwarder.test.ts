// Other servers, over real sockets: which answers are taken, and who is asked.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { decode, encode } from 'dns-packet';
import { afterEach, expect, test } from 'vitest';
import { queryFor } from './exchange.ts';
import { Forwarder, framed } from './forwarder.ts';
import { forwardTimeoutMs, probeIntervalMs } from './limits.ts';

const open: (Socket | Server | Forwarder)[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

interface Fake {
  readonly port: number;
  readonly asked: Buffer[];
  /** The messages that it sends for a query. */
  answers: (query: Buffer) => Buffer[];
}

async function fake(answers: Fake['answers']): Promise<Fake> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  open.push(socket);
  await once(socket, 'listening');
  const it: Fake = { port: socket.address().port, asked: [], answers };
  socket.on('message', (query, from) => {
    it.asked.push(query);
    for (const answer of it.answers(query)) socket.send(answer, from.port, from.address);
  });
  return it;
}

const forwarder = (clock: VirtualClock, ids: number[], ...servers: Fake[]) => {
  const made = new Forwarder(
    servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    clock,
    () => ids.shift() ?? 4711,
  );
  open.push(made);
  return made;
};
const answer = (query: Buffer, data: string, more: { id?: number; name?: string; type?: 'A' | 'AAAA' } = {}): Buffer => {
  const { id = 0, questions = [] } = decode(query);
  const name = more.name ?? questions[0]?.name ?? '';
  return encode({
    type: 'response',
    id: more.id ?? id,
    questions: [{ type: more.type ?? 'A', name }],
    answers: [{ type: 'A', name, data }],
  });
};
const taken = (message: Buffer) => [decode(message).id, (decode(message).answers as { data: string }[])[0]?.data];
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

test('only an answer to the question under the id that was drawn for it is taken; the client gets its own id back', async () => {
  const server = await fake((query) => [
    answer(query, '6.6.6.1', { id: 999 }),
    answer(query, '6.6.6.2', { name: 'other.example' }),
    answer(query, '6.6.6.3', { type: 'AAAA' }),
    query,
    Buffer.from('short'),
    answer(query, '1.2.3.4', { name: 'Good.EXAMPLE' }),
  ]);
  const found = await forwarder(new VirtualClock(), [12_345], server).ask(queryFor('good.example', 'A', 999), 'udp');
  expect(taken(found)).toEqual([999, '1.2.3.4']);
  expect(server.asked.map((query) => decode(query).id)).toEqual([12_345]);
});

test('every query leaves from a port of its own', async () => {
  const ports = new Set<number>();
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  open.push(socket);
  await once(socket, 'listening');
  socket.on('message', (query, from) => {
    ports.add(from.port);
    socket.send(answer(query, '1.2.3.4'), from.port, from.address);
  });
  const asking = forwarder(new VirtualClock(), [], { port: socket.address().port, asked: [], answers: () => [] });
  await Promise.all(Array.from({ length: 20 }, () => asking.ask(queryFor('a.example', 'A', 1), 'udp')));
  expect(ports.size).toBe(20);
});

test('over TCP an answer to another question is none', async () => {
  const server = createServer((socket) => {
    socket.once('data', (query: Buffer) => socket.end(framed(answer(query.subarray(2), '6.6.6.6', { name: 'x.example' }))));
  }).listen(0, '127.0.0.1');
  open.push(server);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const asking = forwarder(new VirtualClock(), [], { port, asked: [], answers: () => [] });
  await expect(asking.ask(queryFor('a.example', 'A', 1), 'tcp')).rejects.toThrow('answers another question');
});

test('a server that does not answer costs one wait, not one for each query; once it answers it is asked again', async () => {
  const clock = new VirtualClock();
  const [dead, alive] = [await fake(() => []), await fake((query) => [answer(query, '2.2.2.2')])];
  const asking = forwarder(clock, [], dead, alive);
  const query = queryFor('a.example', 'A', 7);
  const first = asking.ask(query, 'udp');
  await until(() => dead.asked.length === 1);
  await clock.advanceAsync(forwardTimeoutMs);
  expect(taken(await first)).toEqual([7, '2.2.2.2']);
  for (let count = 0; count < 5; count++) expect(taken(await asking.ask(query, 'udp'))).toEqual([7, '2.2.2.2']);
  expect(dead.asked).toHaveLength(1);
  // A probe that is not answered, then one that is.
  await clock.advanceAsync(probeIntervalMs);
  await until(() => dead.asked.length === 2);
  dead.answers = (each) => {
    const { id = 0, questions = [] } = decode(each);
    return [encode({ type: 'response', id, questions, answers: [{ type: 'A', name: 'a.example', data: '1.1.1.1' }] })];
  };
  await clock.advanceAsync(forwardTimeoutMs);
  await clock.advanceAsync(probeIntervalMs);
  await until(() => dead.asked.length === 3);
  while (taken(await asking.ask(query, 'udp'))[1] !== '1.1.1.1') await new Promise((resolve) => setImmediate(resolve));
});

test('a server that no packet can be sent to is passed over', async () => {
  const alive = await fake((query) => [answer(query, '2.2.2.2')]);
  // Broadcast: the kernel refuses to connect, as it does where there is no route.
  const servers = [
    { host: '255.255.255.255', port: 53 },
    { host: '127.0.0.1', port: alive.port },
  ];
  const asking = new Forwarder(servers, new VirtualClock(), () => 4711);
  open.push(asking);
  expect(taken(await asking.ask(queryFor('a.example', 'A', 7), 'udp'))).toEqual([7, '2.2.2.2']);
});

test('where none answers, all are asked once and the query fails', async () => {
  const clock = new VirtualClock();
  const servers = [await fake(() => []), await fake(() => [])] as const;
  const failed = expect(forwarder(clock, [], ...servers).ask(queryFor('a.example', 'A', 7), 'udp')).rejects.toThrow(
    'no answer',
  );
  for (const server of servers) {
    await until(() => server.asked.length === 1);
    await clock.advanceAsync(forwardTimeoutMs);
  }
  await failed;
});
