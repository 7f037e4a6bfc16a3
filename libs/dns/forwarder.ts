// Adapter: asks other DNS servers, over the protocol that the question came by. A server that does not answer is asked last until it
// answers again, as CoreDNS's forward plugin does with its health checks.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import { isAnswerTo, rootQuery, withId } from './exchange.ts';
import { forwardConcurrentMax, forwardTimeoutMs, forwardTotalMs, probeIntervalMs, tcpMessageBytesMax } from './limits.ts';
import type { DnsServer } from './resolv-conf.ts';

/** What is known of a server. */
interface Peer {
  readonly server: DnsServer;
  /** Set while it is not answering: the next probe. */
  probe: Timer | undefined;
  suspect: boolean;
}

export class Forwarder {
  readonly #peers: readonly Peer[];
  readonly #clock: Clock;
  readonly #random: (bound: number) => number;
  #underWay = 0;
  #closed = false;

  /** `random`: a whole number in [0, bound) that nobody can guess. */
  constructor(servers: readonly DnsServer[], clock: Clock, random: (bound: number) => number) {
    this.#peers = servers.map((server) => ({ server, probe: undefined, suspect: false }));
    this.#clock = clock;
    this.#random = random;
  }

  /** Ends the probing. */
  close(): void {
    this.#closed = true;
    for (const peer of this.#peers) peer.probe?.cancel();
  }

  /** The answer of the first server that gives one, with the id of the query. Rejects where none does in time. */
  async ask(query: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer> {
    if (this.#peers.length === 0) throw new Error('no upstream servers');
    if (this.#underWay >= forwardConcurrentMax) throw new Error('too many queries are being forwarded');
    this.#underWay++;
    try {
      const started = this.#clock.monotonicMs();
      let last: unknown;
      for (const peer of [...this.#peers].sort((a, b) => Number(a.suspect) - Number(b.suspect))) {
        if (this.#clock.monotonicMs() - started >= forwardTotalMs) break;
        try {
          // An id of our own: whoever asks may be the one who would like to answer.
          const answer = await this.#exchange(peer.server, withId(query, this.#random(65_536)), protocol);
          this.#trust(peer);
          return withId(answer, query.readUInt16BE(0));
        } catch (error) {
          this.#suspect(peer);
          last = error;
        }
      }
      throw last;
    } finally {
      this.#underWay--;
    }
  }

  #trust(peer: Peer): void {
    peer.suspect = false;
    peer.probe?.cancel();
    peer.probe = undefined;
  }

  #suspect(peer: Peer): void {
    peer.suspect = true;
    if (peer.probe !== undefined || this.#closed) return;
    peer.probe = this.#clock.timer(probeIntervalMs, () => {
      this.#exchange(peer.server, rootQuery(this.#random(65_536)), 'udp').then(
        () => this.#trust(peer),
        () => {
          peer.probe = undefined;
          if (peer.suspect) this.#suspect(peer);
        },
      );
    });
  }

  #exchange(server: DnsServer, query: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer> {
    return protocol === 'udp' ? this.#udp(server, query) : this.#tcp(server, query);
  }

  #udp(server: DnsServer, query: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      // A socket and so a source port of its own per query, chosen at random by the kernel; connected: others are not heard.
      const socket = createSocket(server.host.includes(':') ? 'udp6' : 'udp4');
      let open = true;
      const finish = (settle: () => void): void => {
        if (!open) return;
        open = false;
        timer.cancel();
        socket.close();
        settle();
      };
      const timer = this.#clock.timer(forwardTimeoutMs, () => finish(() => reject(new Error(`${server.host}: no answer`))));
      socket.on('error', (error) => finish(() => reject(error)));
      socket.on('message', (answer) => {
        if (isAnswerTo(answer, query)) finish(() => resolve(answer));
      });
      // Not as an argument of connect: that one is called with the error too, of a network that cannot be reached.
      socket.once('connect', () => {
        if (open) socket.send(query);
      });
      socket.connect(server.port, server.host);
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
        else finish(() => reject(new Error(`${server.host}: answers another question`)));
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
