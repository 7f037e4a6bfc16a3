// Adapter: the sockets. UDP and TCP on one address; answers leave from the address that was asked.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { framed } from './forwarder.ts';
import { tcpConnectionsMax, tcpIdleMs, tcpMessageBytesMax } from './limits.ts';
import type { Responder } from './responder.ts';

export class DnsListener implements Service {
  readonly name = 'dns';
  readonly #responder: Responder;
  readonly #log: Log;
  readonly #host: string;
  #port: number;
  #udp: Socket | undefined;
  #tcp: Server | undefined;
  readonly #connections = new Set<TcpSocket>();

  constructor(responder: Responder, log: Log, host: string, port: number) {
    this.#responder = responder;
    this.#log = log;
    this.#host = host;
    this.#port = port;
  }

  /** The port in use, once started. */
  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    this.#tcp = createServer((socket) => this.#serve(socket));
    this.#tcp.maxConnections = tcpConnectionsMax;
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
      void this.#responder.respond(message, 'udp').then((answer) => {
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
    this.#connections.add(socket);
    let received = Buffer.alloc(0);
    socket.setTimeout(tcpIdleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const message = received.subarray(2, 2 + received.readUInt16BE(0));
        received = received.subarray(2 + message.length);
        void this.#responder.respond(message, 'tcp').then((answer) => {
          if (answer === undefined) socket.destroy();
          else if (!socket.destroyed) socket.write(framed(answer));
        });
      }
      if (received.length > tcpMessageBytesMax + 2) socket.destroy();
    });
  }
}
