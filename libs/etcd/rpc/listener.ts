// Adapter: the client port. gRPC and plain HTTP share it: the first bytes of a connection say which it is (over TLS, ALPN does),
// and the socket is handed on.
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Clock } from '@drydock/foundation/clock.ts';
import { Http2Connection } from '../http2/connection.ts';
import type { ListenUrl } from '../server/urls.ts';
import { beginCall, type Client, type GrpcOptions } from './grpc-server.ts';
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
const stopGraceMs = 1000;
const keepAliveMs = 15_000;

export interface ClientListenerOptions {
  readonly services: readonly Service[];
  readonly http: RequestListener;
  readonly tls: ListenTls | undefined;
  readonly receiveBytesMax: number;
  readonly clock: Clock;
  /** Whether clients that ping too often are cut off; other members are not. */
  readonly limitPings?: boolean;
}

export class ClientListener {
  readonly #options: ClientListenerOptions;
  readonly #grpc: GrpcOptions;
  readonly #connections = new Set<Http2Connection>();
  readonly #http;
  readonly #servers: NetServer[] = [];
  readonly #sockets = new Set<Socket>();
  #drained = (): void => {};

  constructor(options: ClientListenerOptions) {
    this.#options = options;
    this.#grpc = { methods: methodsOf(options.services), receiveBytesMax: options.receiveBytesMax };
    this.#http = createHttpServer(options.http);
  }

  /** Rejects with ListenError. */
  async listen(url: ListenUrl, httpOnly = false): Promise<void> {
    const server = url.secure ? this.#secureServer(httpOnly) : createNetServer((socket) => this.#sniff(socket, httpOnly));
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      // A client that vanished without a word is noticed, as with Go's listener.
      socket.setKeepAlive(true, keepAliveMs);
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
    for (const connection of this.#connections) connection.shutdown();
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    if (this.#connections.size > 0) await Promise.race([drained, sleep(stopGraceMs)]);
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
        ALPNCallback: ({ protocols }) => chooseProtocol(protocols, httpOnly),
      },
      (socket: TLSSocket) => {
        socket.setNoDelay(true);
        socket.on('error', () => socket.destroy());
        if (socket.alpnProtocol === 'h2') this.#serveGrpc(socket, undefined, commonNameOf(socket));
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
      if (isHttp2) this.#serveGrpc(socket, first, undefined);
      else {
        socket.unshift(first);
        this.#http.emit('connection', socket);
      }
    });
  }

  #serveGrpc(socket: Socket, first: Buffer | undefined, commonName: string | undefined): void {
    const { remoteAddress = '', remotePort = 0 } = socket;
    const peer = `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
    const connection = new Http2Connection(socket, {
      clock: this.#options.clock,
      limitPings: this.#options.limitPings ?? true,
      onStream: (stream, headers) => beginCall(this.#grpc, client, stream, headers),
      onClose: () => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#drained();
      },
    });
    const client: Client = { connection, peer, commonName };
    this.#connections.add(connection);
    connection.start(first);
  }
}

/** Clients of gRPC offer `h2` alone; who offers HTTP/1.1 too wants `/health` or `/metrics`, and gets that. */
function chooseProtocol(offered: readonly string[], httpOnly: boolean): string | undefined {
  if (offered.includes('http/1.1')) return 'http/1.1';
  return offered.includes('h2') && !httpOnly ? 'h2' : undefined;
}

/** The subject's, where the certificate was verified. Of several, the last one counts, as in Go's crypto/x509. */
function commonNameOf(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  // Node's types know of one only.
  const name = socket.getPeerCertificate().subject?.CN as string | readonly string[] | undefined;
  return typeof name === 'object' ? name.at(-1) : name;
}
