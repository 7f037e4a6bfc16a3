// A kubelet's HTTPS API as far as the apiserver streams through it, with containers that do what a test wants: SPDY and WebSocket,
// as containerd speaks them.
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { dataHead, FrameReader, replyFrame } from '../streams/spdy/frames.ts';

type Role = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize';

/** One exec or attach, as its container has it. */
export interface Command {
  readonly words: readonly string[];
  /** What its client has opened, in that order. */
  readonly roles: readonly Role[];
  readonly socket: Duplex;
  say(role: Role, bytes: Buffer): boolean;
  end(role: Role): void;
  onStdin: (bytes: Buffer, ended: boolean) => void;
  onResize: (text: string) => void;
  /** The status, the end of every stream and of the connection. */
  exit(status: string): void;
}

export const succeeded = '{"metadata":{},"status":"Success"}';

export class StreamKubelet {
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly #streams = new Set<Writable>();
  readonly #webSockets = new WebSocketServer({ noServer: true, handleProtocols: ([first = '']) => first });
  /** `METHOD URL` of every request, the upgrade and the protocols that it asked for. */
  readonly asked: string[] = [];
  /** Header names and values of the last upgrade. */
  headers: IncomingMessage['headers'] = {};
  run: (command: Command) => void = () => {};
  runSocket: (socket: WebSocket, request: IncomingMessage) => void = () => {};
  /** What port-forward's clients are told of the protocol; undefined: nothing. */
  portForwardVersion: string | undefined = 'portforward.k8s.io';
  /** The text of every log. */
  log: (response: NodeJS.WritableStream) => void = (response) => void response.end('a line\n');

  constructor(pair: { readonly cert: string; readonly key: string }) {
    this.#server = createServer(pair, (request, response) => {
      this.asked.push(`${request.method} ${request.url}`);
      this.#count(response);
      if (request.url?.includes('missing')) response.writeHead(404).end('container not found');
      else this.log(response);
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  listen(): Promise<number> {
    return new Promise((resolve) =>
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port)),
    );
  }

  /** Streams that are under way. */
  get streams(): number {
    return this.#streams.size;
  }

  #count(stream: Writable): void {
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { headers, url = '' } = request;
    const protocols = headers['x-stream-protocol-version'] ?? headers['sec-websocket-protocol'];
    this.asked.push(`${request.method} ${url} ${headers.upgrade} [${protocols}]`);
    this.headers = headers;
    socket.on('error', () => socket.destroy());
    this.#count(socket);
    if (url.includes('refused')) {
      socket.end('HTTP/1.1 500 Internal Server Error\r\ncontent-length: 19\r\n\r\ncontainer not found');
    } else if (headers.upgrade === 'websocket') {
      this.#webSockets.handleUpgrade(request, socket, head, (client) => this.runSocket(client, request));
    } else {
      const version = url.startsWith('/portForward') ? this.portForwardVersion : 'v4.channel.k8s.io';
      const chosen = version === undefined ? '' : `X-Stream-Protocol-Version: ${version}\r\n`;
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${chosen}\r\n`);
      if (url.startsWith('/portForward')) socket.pipe(socket);
      else this.#serve(new URL(url, 'https://x').searchParams, socket);
    }
  }

  /** Streams are told by the order in which clients open them: error, then those asked for. */
  #serve(query: URLSearchParams, socket: Duplex): void {
    const is = (name: string) => query.get(name) === '1' || query.get(name) === 'true';
    const tty = is('tty');
    const wanted: [Role, boolean][] = [
      ['error', true],
      ['stdin', is('input')],
      ['stdout', is('output')],
      ['stderr', is('error') && !tty],
      ['resize', tty],
    ];
    const roles = wanted.filter(([, asked]) => asked).map(([role]) => role);
    const ids = new Map<Role, number>();
    const reader = new FrameReader();
    let isFirst = true;
    const command: Command = {
      words: query.getAll('command'),
      roles,
      socket,
      say: (role, bytes) => {
        socket.write(dataHead(ids.get(role) ?? 0, bytes.length, false));
        return socket.write(bytes);
      },
      end: (role) => void socket.write(dataHead(ids.get(role) ?? 0, 0, true)),
      onStdin: () => {},
      onResize: () => {},
      exit: (status) => {
        if (status !== '') command.say('error', Buffer.from(status));
        for (const role of roles) command.end(role);
        socket.end();
      },
    };
    socket.on('data', (bytes: Buffer) => {
      for (const frame of reader.read(bytes)) {
        if (frame.type === 'open') {
          ids.set(roles[ids.size] ?? 'error', frame.stream);
          socket.write(replyFrame(frame.stream, isFirst));
          isFirst = false;
          if (ids.size === roles.length) this.run(command);
        } else if (frame.type === 'data') {
          if (frame.stream === ids.get('stdin')) command.onStdin(frame.bytes, frame.fin);
          if (frame.stream === ids.get('resize')) command.onResize(frame.bytes.toString());
        }
      }
    });
  }
}
