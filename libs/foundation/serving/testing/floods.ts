// What an attacker may do to a listener, without credentials: each flood opens connections and sends on them for as long as it is
// let. A test runs every one of them against a real listener and watches memory, sockets and another client meanwhile.
import { type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import * as h2 from './raw-http2.ts';

export interface FloodTarget {
  readonly port: number;
  /** Whether the listener speaks TLS. */
  readonly tls: boolean;
  readonly protocols: readonly ('http/1.1' | 'h2')[];
  /** A path that takes a body, and one that takes upgrades. */
  readonly postPath: string;
  readonly upgradePath: string;
  readonly requestHeaders?: Readonly<Record<string, string>>;
}

/** One connection of an attacker. `send` resolves when more may be sent, and with false when the connection is gone. */
export interface Attack {
  readonly socket: Socket;
  send(bytes: Buffer | string): Promise<boolean>;
}

export interface Flood {
  readonly name: string;
  readonly protocol: 'tcp' | 'http/1.1' | 'h2';
  /** Connections at once. */
  readonly connections: number;
  /** What each connection does; it is called again and again until it says false, or the test's time is over. */
  readonly step: (attack: Attack, round: number, target: FloodTarget) => Promise<boolean>;
}

/** Opens a connection; undefined where it is not let in. Errors are expected: the server is to close it. */
export async function openAttack(target: FloodTarget, protocol: Flood['protocol']): Promise<Attack | undefined> {
  const { port } = target;
  const secure = target.tls && protocol !== 'tcp';
  const ALPNProtocols = protocol === 'h2' ? ['h2'] : ['http/1.1'];
  const socket = secure
    ? tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols })
    : tcpConnect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  const open = await new Promise<boolean>((resolve) => {
    socket.once(secure ? 'secureConnect' : 'connect', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
  if (!open) return undefined;
  const attack: Attack = {
    socket,
    send: (bytes) =>
      new Promise((resolve) => {
        if (socket.destroyed || !socket.writable) return resolve(false);
        const gone = () => resolve(false);
        socket.once('close', gone);
        const sent = () => {
          socket.off('close', gone);
          resolve(!socket.destroyed);
        };
        if (socket.write(bytes)) setImmediate(sent);
        else socket.once('drain', sent);
      }),
  };
  return attack;
}

const times = (count: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));
const start = Buffer.concat([h2.preface, h2.settings()]);
/** Sends the beginning of an HTTP/2 connection in round 0, then `more` again and again. */
const h2Flood =
  (more: (round: number, target: FloodTarget) => Buffer, first: (target: FloodTarget) => Buffer = () => Buffer.alloc(0)) =>
  async (attack: Attack, round: number, target: FloodTarget): Promise<boolean> => {
    if (round === 0) {
      attack.socket.resume();
      return attack.send(Buffer.concat([start, first(target)]));
    }
    return attack.send(more(round, target));
  };
/** Sends once, then holds the connection open. */
const once =
  (bytes: (target: FloodTarget) => Buffer | string) =>
  async (attack: Attack, round: number, target: FloodTarget): Promise<boolean> => {
    if (round === 0) await attack.send(bytes(target));
    return false;
  };

const post = (target: FloodTarget, stream: number): Buffer =>
  h2.request(stream, 'POST', target.postPath, { ...target.requestHeaders }, false);

export const floods: readonly Flood[] = [
  { name: 'TCP connections that say nothing', protocol: 'tcp', connections: 160, step: once(() => '') },
  {
    name: 'TLS handshakes left open',
    protocol: 'tcp',
    connections: 160,
    step: once(() => Buffer.from('16030100c8010000c40303', 'hex')),
  },
  { name: 'TLS records that are none', protocol: 'tcp', connections: 80, step: once(() => Buffer.alloc(5000, 0x16)) },
  { name: 'HTTP/1 connections that ask nothing', protocol: 'http/1.1', connections: 80, step: once(() => '') },
  {
    name: 'HTTP/1 headers that never end',
    protocol: 'http/1.1',
    connections: 80,
    step: async (attack, round) => attack.send(round === 0 ? 'GET / HTTP/1.1\r\nhost: x\r\n' : `x-${round}: 1\r\n`),
  },
  {
    name: 'HTTP/1 headers without a bound',
    protocol: 'http/1.1',
    connections: 50,
    step: async (attack, round) => attack.send(round === 0 ? 'GET / HTTP/1.1\r\nhost: x\r\nx: ' : 'y'.repeat(65_536)),
  },
  {
    name: 'HTTP/1 bodies without an end',
    protocol: 'http/1.1',
    connections: 50,
    step: async (attack, round, { postPath }) =>
      attack.send(
        round === 0
          ? `POST ${postPath} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
          : `10000\r\n${'z'.repeat(65_536)}\r\n`,
      ),
  },
  {
    name: 'HTTP/1 bodies of a byte at a time',
    protocol: 'http/1.1',
    connections: 50,
    step: async (attack, round, { postPath }) =>
      attack.send(round === 0 ? `POST ${postPath} HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n` : '1'),
  },
  {
    name: 'HTTP/1 requests in a row whose answers are not read',
    protocol: 'http/1.1',
    connections: 50,
    step: async (attack, round) => {
      if (round === 0) attack.socket.pause();
      return attack.send('GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(100));
    },
  },
  {
    name: 'upgrades that stand half open',
    protocol: 'http/1.1',
    connections: 80,
    step: once(
      ({ upgradePath }) =>
        `GET ${upgradePath} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    ),
  },
  { name: 'HTTP/2 connections that ask nothing', protocol: 'h2', connections: 80, step: once(() => start) },
  {
    name: 'PING',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(() => times(500, () => h2.frame(h2.frameType.ping, 0, 0, Buffer.alloc(8)))),
  },
  {
    name: 'PING whose answers are not read',
    protocol: 'h2',
    connections: 20,
    step: async (attack, round) => {
      if (round === 0) attack.socket.pause();
      return attack.send(round === 0 ? start : times(500, () => h2.frame(h2.frameType.ping, 0, 0, Buffer.alloc(8))));
    },
  },
  { name: 'SETTINGS', protocol: 'h2', connections: 4, step: h2Flood(() => times(500, () => h2.settings())) },
  {
    name: 'SETTINGS of a thousand entries',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(() => h2.settings(...Array.from({ length: 1000 }, () => [4, 1] as const))),
  },
  {
    name: 'SETTINGS that change the window of a hundred streams',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(
      (round) => times(200, (i) => h2.settings([4, 65_535 + ((round + i) % 2)])),
      (target) => times(99, (i) => post(target, i * 2 + 1)),
    ),
  },
  {
    name: 'PRIORITY',
    protocol: 'h2',
    connections: 4,
    step: h2Flood((round) =>
      times(500, (i) => h2.frame(h2.frameType.priority, 0, ((round * 500 + i) % 1_000_000) * 2 + 1, Buffer.alloc(5))),
    ),
  },
  { name: 'WINDOW_UPDATE', protocol: 'h2', connections: 4, step: h2Flood(() => times(500, () => h2.windowUpdate(0, 1))) },
  {
    name: 'unknown frames',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(() => times(500, () => h2.frame(0x77, 0, 0, Buffer.alloc(8)))),
  },
  {
    name: 'PUSH_PROMISE',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(() => times(100, () => h2.frame(h2.frameType.pushPromise, 4, 1, Buffer.alloc(8)))),
  },
  {
    name: 'GOAWAY',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(() => times(100, () => h2.frame(h2.frameType.goaway, 0, 0, Buffer.alloc(8)))),
  },
  {
    name: 'a frame larger than was agreed',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(
      () => h2.frame(h2.frameType.data, 0, 1, Buffer.alloc(1 << 20)),
      (target) => post(target, 1),
    ),
  },
  {
    name: 'requests beyond the streams that are allowed',
    protocol: 'h2',
    connections: 4,
    step: h2Flood((round, target) => times(50, (i) => post(target, (round * 50 + i) * 2 + 1))),
  },
  {
    name: 'rapid reset',
    protocol: 'h2',
    connections: 4,
    step: h2Flood((round, target) =>
      times(50, (i) => Buffer.concat([post(target, (round * 50 + i) * 2 + 1), h2.reset((round * 50 + i) * 2 + 1)])),
    ),
  },
  {
    name: 'rapid reset by errors of the peer',
    protocol: 'h2',
    connections: 4,
    step: h2Flood((round, target) =>
      times(50, (i) => Buffer.concat([post(target, (round * 50 + i) * 2 + 1), h2.windowUpdate((round * 50 + i) * 2 + 1, 0)])),
    ),
  },
  {
    name: 'CONTINUATION without an end',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(
      (round) =>
        times(20, (i) => h2.frame(h2.frameType.continuation, 0, 1, h2.headerBlock({ [`x-${round}-${i}`]: 'y'.repeat(1000) }))),
      () =>
        h2.frame(
          h2.frameType.headers,
          0,
          1,
          h2.headerBlock({ ':method': 'GET', ':scheme': 'https', ':path': '/', ':authority': 'x' }),
        ),
    ),
  },
  {
    name: 'HEADERS as large as frames can be',
    protocol: 'h2',
    connections: 4,
    step: h2Flood((round, target) => h2.request(round * 2 + 1, 'GET', target.postPath, { 'x-a': 'y'.repeat(16_000) })),
  },
  {
    name: 'empty DATA',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(
      () => times(500, () => h2.frame(h2.frameType.data, 0, 1)),
      (target) => post(target, 1),
    ),
  },
  {
    name: 'DATA of one byte',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(
      () => times(500, () => h2.frame(h2.frameType.data, 0, 1, Buffer.of(0x20))),
      (target) => post(target, 1),
    ),
  },
  {
    name: 'DATA that is all padding',
    protocol: 'h2',
    connections: 4,
    step: h2Flood(
      () => times(50, () => h2.frame(h2.frameType.data, 8, 1, Buffer.concat([Buffer.of(255), Buffer.alloc(255)]))),
      (target) => post(target, 1),
    ),
  },
  {
    name: 'bodies that stand half sent',
    protocol: 'h2',
    connections: 60,
    step: once((target) => Buffer.concat([start, times(99, (i) => post(target, i * 2 + 1))])),
  },
  {
    name: 'windows of nothing',
    protocol: 'h2',
    connections: 60,
    step: once((target) =>
      Buffer.concat([h2.preface, h2.settings([4, 0]), times(99, (i) => h2.request(i * 2 + 1, 'GET', target.postPath))]),
    ),
  },
  {
    name: 'windows of one byte',
    protocol: 'h2',
    connections: 4,
    step: async (attack, round, target) => {
      attack.socket.resume();
      if (round === 0)
        return attack.send(
          Buffer.concat([h2.preface, h2.settings([4, 1]), times(99, (i) => h2.request(i * 2 + 1, 'GET', target.postPath))]),
        );
      return attack.send(times(99, (i) => h2.windowUpdate(i * 2 + 1, 1)));
    },
  },
];
