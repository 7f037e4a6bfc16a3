// Adapter: the client port. gRPC and plain HTTP share it: the first bytes of a connection say which it is (over TLS, ALPN does),
// and the socket is handed on; nothing is copied after that.
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { type ConnectionInjector, Server, ServerCredentials } from '@grpc/grpc-js';
import type { ListenUrl } from '../server/urls.ts';
import { addMethods } from './grpc-js-server.ts';
import { openHttp2 } from './http2-opening.ts';
import { methodsOf, type Service } from './service.ts';

/** `--cert-file` and its kin, PEM. */
export interface ListenTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
  /** `--client-cert-auth`. */
  readonly clientCertAuth: boolean;
}

/** The address cannot be used; the message is as Go's net package has it. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Enough to tell HTTP/2's preface from a request line. */
const prefaceStart = 'PRI';
const concurrentStreamsMax = 2 ** 32 - 1;
const stopGraceMs = 1000;

export interface ClientListenerOptions {
  readonly services: readonly Service[];
  readonly http: RequestListener;
  readonly tls: ListenTls | undefined;
  readonly receiveBytesMax: number;
}

export class ClientListener {
  readonly #options: ClientListenerOptions;
  readonly #grpc: Server;
  readonly #injector: ConnectionInjector;
  readonly #http;
  readonly #servers: NetServer[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(options: ClientListenerOptions) {
    this.#options = options;
    this.#grpc = new Server({
      'grpc.max_receive_message_length': options.receiveBytesMax,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': concurrentStreamsMax,
    });
    addMethods(this.#grpc, methodsOf(options.services));
    this.#injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    this.#http = createHttpServer(options.http);
  }

  /** Rejects with ListenError. */
  async listen(url: ListenUrl, httpOnly = false): Promise<void> {
    const server = url.secure ? this.#secureServer(httpOnly) : createNetServer((socket) => this.#sniff(socket, httpOnly));
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const reason = error.code === 'EADDRINUSE' ? 'bind: address already in use' : error.message;
        reject(new ListenError(`listen tcp ${url.host}:${url.port}: ${reason}`, { cause: error }));
      });
      server.listen(url.port, url.host, resolve);
    });
    this.#servers.push(server);
  }

  /** Refuses new connections at once; calls under way get a short time to end. */
  async stop(sleep: (ms: number) => Promise<void>): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    this.#http.closeAllConnections();
    const drained = new Promise<void>((resolve) => this.#grpc.tryShutdown(() => resolve()));
    await Promise.race([drained, sleep(stopGraceMs)]);
    this.#grpc.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #secureServer(httpOnly: boolean): NetServer {
    const { tls } = this.#options;
    if (tls === undefined) throw new ListenError('cannot listen on TLS: KeyFile and CertFile are not presented');
    const { cert, key, ca, clientCertAuth } = tls;
    return createTlsServer(
      {
        cert,
        key,
        ...(ca === undefined ? {} : { ca }),
        requestCert: clientCertAuth,
        rejectUnauthorized: clientCertAuth,
        ALPNProtocols: httpOnly ? ['http/1.1'] : ['h2', 'http/1.1'],
      },
      (socket: TLSSocket) => {
        socket.setNoDelay(true);
        socket.on('error', () => socket.destroy());
        if (socket.alpnProtocol === 'h2') this.#injector.injectConnection(socket);
        else this.#http.emit('connection', socket);
      },
    );
  }

  #sniff(socket: Socket, httpOnly: boolean): void {
    if (httpOnly) {
      this.#http.emit('connection', socket);
      return;
    }
    socket.once('readable', () => {
      const first: Buffer | null = socket.read();
      if (first === null) {
        socket.destroy();
        return;
      }
      const isHttp2 = first.toString('latin1', 0, prefaceStart.length) === prefaceStart;
      if (isHttp2) openHttp2(socket, first, (connection) => this.#injector.injectConnection(connection as Socket));
      else {
        socket.unshift(first);
        this.#http.emit('connection', socket);
      }
    });
  }
}
