// Adapter: the sockets. UDP and TCP on one address; answers leave from the address that was asked.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { tcpBounds } from '@drydock/foundation/serving/bounds.ts';
import { ConnectionGate } from '@drydock/foundation/serving/connection-gate.ts';
import { tcpConnectionsMax, tcpGraceMs } from './limits.ts';
import type { Responder } from './responder.ts';
import { serveTcp } from './tcp-connection.ts';

export class DnsListener implements Service {
  readonly name = 'dns';
  readonly #responder: Responder;
  readonly #log: Log;
  readonly #gate: ConnectionGate;
  readonly #host: string;
  #port: number;
  #udp: Socket | undefined;
  #tcp: Server | undefined;
  readonly #connections = new Set<TcpSocket>();

  constructor(responder: Responder, log: Log, clock: Clock, host: string, port: number) {
    this.#responder = responder;
    this.#log = log;
    // Nobody says who they are here: a newcomer takes the place of the oldest connection where all are taken.
    this.#gate = new ConnectionGate({ now: () => clock.monotonicMs(), max: tcpConnectionsMax, graceMs: tcpGraceMs });
    this.#host = host;
    this.#port = port;
  }

  /** The port in use, once started. */
  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    this.#tcp = createServer(tcpBounds, (socket) => this.#serve(socket));
    this.#tcp.listen(this.#port, this.#host);
    await once(this.#tcp, 'listening');
    const address = this.#tcp.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
    const udp = createSocket(this.#host.includes(':') ? 'udp6' : 'udp4');
    this.#udp = udp;
    udp.bind(this.#port, this.#host);
    await once(udp, 'listening');
    udp.on('error', (err) => this.#log.error({ err }, 'UDP socket failed'));
    udp.on('message', (message, from) => {
      // Port 0 is none that could be answered (RFC 768: a sender that expects no replies); node throws where it is asked to.
      if (from.port === 0) return;
      void this.#respond(message, 'udp').then((answer) => {
        if (answer !== undefined && this.#udp === udp) udp.send(answer, from.port, from.address, () => {});
      });
    });
  }

  async stop(): Promise<void> {
    this.#udp?.close();
    this.#udp = undefined;
    for (const socket of this.#connections) socket.destroy();
    const tcp = this.#tcp;
    if (tcp?.listening) await new Promise<void>((resolve) => tcp.close(() => resolve()));
  }

  #serve(socket: TcpSocket): void {
    socket.on('error', () => {});
    if (!this.#gate.admit(socket)) return;
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    serveTcp(socket, (message) => this.#respond(message, 'tcp'));
  }

  /** A question that the responder fails at costs its own answer, not those of all others. Never rejects. */
  async #respond(message: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    try {
      return await this.#responder.respond(message, protocol);
    } catch (err) {
      this.#log.error({ err }, 'a query was not answered');
      return undefined;
    }
  }
}
