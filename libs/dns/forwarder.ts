// Adapter: asks other DNS servers, over the protocol that the question came by.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Clock } from '@drydock/foundation/clock.ts';
import { forwardConcurrentMax, forwardTimeoutMs, tcpMessageBytesMax } from './limits.ts';
import type { DnsServer } from './resolv-conf.ts';

export class Forwarder {
  readonly #servers: readonly DnsServer[];
  readonly #clock: Clock;
  #underWay = 0;

  constructor(servers: readonly DnsServer[], clock: Clock) {
    this.#servers = servers;
    this.#clock = clock;
  }

  /** The answer of the first server that gives one. Rejects where there is no server, or none answers in time. */
  async ask(query: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer> {
    if (this.#servers.length === 0) throw new Error('no upstream servers');
    if (this.#underWay >= forwardConcurrentMax) throw new Error('too many queries are being forwarded');
    this.#underWay++;
    try {
      let last: unknown;
      for (const server of this.#servers) {
        try {
          return await (protocol === 'udp' ? this.#udp(server, query) : this.#tcp(server, query));
        } catch (error) {
          last = error;
        }
      }
      throw last;
    } finally {
      this.#underWay--;
    }
  }

  #udp(server: DnsServer, query: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      // A socket and so a source port of its own per query: answers cannot be guessed by others.
      const socket = createSocket(server.host.includes(':') ? 'udp6' : 'udp4');
      const finish = (settle: () => void): void => {
        timer.cancel();
        socket.close();
        settle();
      };
      const timer = this.#clock.timer(forwardTimeoutMs, () => finish(() => reject(new Error(`${server.host}: no answer`))));
      socket.once('error', (error) => finish(() => reject(error)));
      socket.on('message', (answer) => {
        if (isAnswerTo(answer, query)) finish(() => resolve(answer));
      });
      socket.connect(server.port, server.host, () => socket.send(query));
    });
  }

  #tcp(server: DnsServer, query: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = connect(server.port, server.host);
      let received = Buffer.alloc(0);
      const finish = (settle: () => void): void => {
        timer.cancel();
        socket.destroy();
        settle();
      };
      const timer = this.#clock.timer(forwardTimeoutMs, () => finish(() => reject(new Error(`${server.host}: no answer`))));
      socket.once('error', (error) => finish(() => reject(error)));
      socket.once('close', () => finish(() => reject(new Error(`${server.host}: connection closed`))));
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (received.length > tcpMessageBytesMax + 2) finish(() => reject(new Error(`${server.host}: answer too large`)));
        if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
        const answer = received.subarray(2, 2 + received.readUInt16BE(0));
        if (isAnswerTo(answer, query)) finish(() => resolve(answer));
      });
      socket.write(framed(query));
    });
  }
}

/** A message as TCP carries it: two bytes of length first. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function isAnswerTo(answer: Buffer, query: Buffer): boolean {
  return answer.length >= 12 && answer.readUInt16BE(0) === query.readUInt16BE(0) && ((answer[2] ?? 0) & 0x80) !== 0;
}
