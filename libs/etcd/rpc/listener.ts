// Adapter: the client port. gRPC and plain HTTP share it: the first bytes of a connection say which it is (over TLS, ALPN does),
// and the socket is handed on. With and without TLS may share it too, where an address has both kinds of URLs.
import { rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import { type Log, silentLog } from '@drydock/foundation/log.ts';
import { Http2Connection } from '../http2/connection.ts';
import { streamsMaxByDefault } from '../http2/limits.ts';
import { limits } from '../limits.ts';
import { addressOf, type ListenUrl, netTarget } from '../server/urls.ts';
import { createTlsAcceptor } from '../tls/accept.ts';
import { certificateRefusal, refuseCertificate } from '../tls/refuse.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { connectionLimit } from './connection-limit.ts';
import { beginCall, type Client, type GrpcOptions } from './grpc-server.ts';
import { RequestBudget } from './request-budget.ts';
import { methodsOf, type Service } from './service.ts';

/** The address cannot be used; the message is as Go's net package has it. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Enough to tell HTTP/2's preface from a request line. */
const prefaceStart = 'PRI';
/** The first byte of a connection with TLS. */
const handshakeRecord = 0x16;
const stopGraceMs = 1000;
const keepAliveMs = 15_000;
/** For a client to say what it speaks, TLS's handshake included; `ConnectionTimeout` of grpc-go's server. */
const openingMs = 120_000;

export interface ClientListenerOptions {
  readonly services: readonly Service[];
  readonly http: RequestListener;
  readonly tls: TlsSettings | undefined;
  readonly receiveBytesMax: number;
  readonly clock: Clock;
  readonly log?: Log;
  /** `--max-concurrent-streams`, of one connection. etcd's default, as many as there can be, is taken as nothing said. */
  readonly streamsMax?: number | undefined;
  /** Whether this port is for members: they may ping as they like, and must connect from where their certificate says. */
  readonly forPeers?: boolean;
  /** `--experimental-peer-skip-client-san-verification`. */
  readonly anyAddress?: boolean;
  /** How many connections an address takes at a time; further ones are closed at once. */
  readonly connectionsMax?: number;
  readonly budget?: RequestBudget;
  /** How long a connection may stay without a first request or HTTP/2's first frame. Milliseconds. */
  readonly openingMs?: number;
}

/** What is served at one address. */
interface Port {
  plain: boolean;
  secure: NetServer | undefined;
  readonly httpOnly: boolean;
}

export class ClientListener {
  readonly #options: ClientListenerOptions;
  readonly #grpc: GrpcOptions;
  readonly #connections = new Set<Http2Connection>();
  readonly #http;
  readonly #servers: NetServer[] = [];
  readonly #ports = new Map<string, Port>();
  readonly #sockets = new Set<Socket>();
  /** Of connections of which it is not known yet what they are. */
  readonly #openings = new WeakMap<Socket, Timer>();
  #drained = (): void => {};

  constructor(options: ClientListenerOptions) {
    this.#options = options;
    this.#grpc = {
      methods: methodsOf(options.services),
      receiveBytesMax: options.receiveBytesMax,
      budget: options.budget ?? new RequestBudget(),
    };
    this.#http = createHttpServer(options.http);
    // It gets its sockets from here and listens nowhere, but only from then on does it look at how long a request takes to come.
    this.#http.emit('listening');
  }

  /** Rejects with ListenError. */
  async listen(url: ListenUrl, httpOnly = false): Promise<void> {
    const address = addressOf(url);
    const known = this.#ports.get(address);
    const port = known ?? { plain: false, secure: undefined, httpOnly };
    if (url.secure) port.secure ??= this.#secureServer(httpOnly);
    else port.plain = true;
    // Port 0 is another one each time.
    if (known !== undefined && url.port !== 0) return;
    this.#ports.set(address, port);
    const server = createNetServer();
    server.maxConnections = this.#options.connectionsMax ?? connectionLimit();
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      const { clock } = this.#options;
      const opening = clock.timer(this.#options.openingMs ?? openingMs, () => socket.destroy());
      this.#openings.set(socket, opening);
      socket.setNoDelay(true);
      // A client that vanished without a word is noticed, as with Go's listener.
      socket.setKeepAlive(true, keepAliveMs);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        opening.cancel();
        this.#sockets.delete(socket);
      });
      this.#dispatch(socket, port);
    });
    // Left behind by a process that was killed.
    if (url.path !== undefined) rmSync(url.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const reason = error.code === 'EADDRINUSE' ? 'bind: address already in use' : error.message;
        const network = url.path === undefined ? 'tcp' : 'unix';
        reject(new ListenError(`listen ${network} ${url.path ?? `${url.host}:${url.port}`}: ${reason}`, { cause: error }));
      });
      server.listen(netTarget(url), resolve);
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
    const { tls, forPeers = false, anyAddress = false, log = silentLog } = this.#options;
    if (tls === undefined) throw new ListenError('cannot listen on TLS: KeyFile and CertFile are not presented');
    return createTlsAcceptor({
      tls,
      chooseProtocol: (offered) => chooseProtocol(offered, httpOnly),
      checkAddress: forPeers && !anyAddress,
      accepted: (socket, commonName) => {
        socket.setNoDelay(true);
        if (socket.alpnProtocol === 'h2') this.#serveGrpc(socket, undefined, commonName);
        else this.#serveHttp(socket);
      },
      refused: (socket) => this.#refuse(socket),
      log,
      message: this.#rejected,
    });
  }

  get #streamsMax(): number {
    const { streamsMax = limits.streams } = this.#options;
    // Without a bound one client could take all streams that there are for everybody.
    return streamsMax < limits.streams ? streamsMax : streamsMaxByDefault;
  }

  get #rejected(): string {
    return `rejected connection on ${this.#options.forPeers === true ? 'peer' : 'client'} endpoint`;
  }

  #refuse(socket: TLSSocket): void {
    const { forPeers, clock, log } = this.#options;
    if (forPeers !== true || socket.alpnProtocol !== 'h2') {
      socket.destroy();
      return;
    }
    // The other side may not like this one's either.
    const told = (error: string) => log?.warn({ error }, this.#rejected);
    refuseCertificate(socket, clock, { asClient: false, told });
  }

  #dispatch(socket: Socket, { plain, secure, httpOnly }: Port): void {
    if (!plain) {
      secure?.emit('connection', socket);
      return;
    }
    if (secure === undefined) {
      this.#sniff(socket, httpOnly);
      return;
    }
    const hasAny = (first: Buffer): boolean => first.length > 0;
    onFirstBytes(socket, hasAny, (first) => {
      socket.unshift(first);
      if (first[0] === handshakeRecord) secure.emit('connection', socket);
      else this.#sniff(socket, httpOnly);
    });
  }

  #sniff(socket: Socket, httpOnly: boolean): void {
    if (httpOnly) {
      this.#serveHttp(socket);
      return;
    }
    onFirstBytes(socket, tellsProtocol, (first) => {
      const isHttp2 = first.toString('latin1', 0, prefaceStart.length) === prefaceStart;
      if (isHttp2) this.#serveGrpc(socket, first, undefined);
      else {
        socket.unshift(first);
        this.#serveHttp(socket);
      }
    });
  }

  /** Node's server has limits of its own for the time that a request takes to come. */
  #serveHttp(socket: Socket): void {
    this.#opened(socket);
    this.#http.emit('connection', socket);
  }

  #opened(socket: Socket): void {
    // A socket of TLS stands on the one that was accepted.
    const below = (socket as { _parent?: Socket | null })._parent ?? socket;
    this.#openings.get(below)?.cancel();
  }

  #serveGrpc(socket: Socket, first: Buffer | undefined, commonName: string | undefined): void {
    const { remoteAddress, remotePort = 0 } = socket;
    // As Go shows the nameless end of a Unix socket.
    const peer = remoteAddress === undefined ? '@' : addressOf({ host: remoteAddress, port: remotePort, path: undefined });
    const connection = new Http2Connection(socket, {
      clock: this.#options.clock,
      streamsMax: this.#streamsMax,
      limitPings: this.#options.forPeers !== true,
      onOpen: () => this.#opened(socket),
      mayOpen: () => this.#grpc.budget.mayOpen(),
      onStream: (stream, headers) => {
        this.#grpc.budget.opened();
        beginCall(this.#grpc, client, stream, headers);
      },
      onStreamClosed: () => this.#grpc.budget.closed(),
      onGoAway: (code, reason) => {
        const error = certificateRefusal(code, reason);
        if (error !== undefined) this.#options.log?.warn({ 'remote-addr': peer, error }, this.#rejected);
      },
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

/** Reads until `isEnough`. A socket that ends before that is destroyed. */
function onFirstBytes(socket: Socket, isEnough: (first: Buffer) => boolean, use: (first: Buffer) => void): void {
  let first: Buffer = Buffer.alloc(0);
  const read = (): void => {
    const bytes: Buffer | null = socket.read();
    if (bytes === null) {
      socket.destroy();
      return;
    }
    first = first.length === 0 ? bytes : Buffer.concat([first, bytes]);
    if (isEnough(first)) use(first);
    else socket.once('readable', read);
  };
  socket.once('readable', read);
}

/** Whether it can be told what the connection speaks. */
function tellsProtocol(first: Buffer): boolean {
  return first.length >= prefaceStart.length || !prefaceStart.startsWith(first.toString('latin1'));
}
