// Clients with as little work of their own as can be: one request after the other on each of some connections.
import { connect, type Socket } from 'node:net';

export interface LoadResult {
  readonly requests: number;
  /** Anything but a 200, and connections that ended with a request on them. */
  readonly failures: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadOptions {
  readonly port: number;
  readonly host: string;
  readonly connections: number;
  readonly seconds: number;
  /** A connection of its own for each request. */
  readonly fresh?: boolean;
}

const connectMs = 5_000;

/** Loads a port of 127.0.0.1; answers must have a content-length. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const times: number[] = [];
  let failures = 0;
  const started = performance.now();
  const until = started + options.seconds * 1000;
  const request = Buffer.from(`GET / HTTP/1.1\r\nHost: ${options.host}\r\n${options.fresh ? 'Connection: close\r\n' : ''}\r\n`);
  const client = () =>
    new Promise<void>((resolve) => {
      const open = () => {
        if (performance.now() >= until) return resolve();
        const socket = connect({ port: options.port, host: '127.0.0.1', timeout: connectMs });
        let sent = 0;
        let done = false;
        let text = '';
        const next = () => {
          text = '';
          sent = performance.now();
          socket.write(request);
        };
        const end = (failed: boolean) => {
          if (done) return;
          done = true;
          if (failed) failures++;
          socket.destroy();
          setImmediate(open);
        };
        socket.on('connect', next);
        socket.on('data', (part) => {
          text += part.toString('latin1');
          if (!isWhole(text)) return;
          times.push(performance.now() - sent);
          if (!text.startsWith('HTTP/1.1 200')) failures++;
          if (options.fresh || performance.now() >= until || /^connection: close/im.test(text)) {
            sent = 0;
            end(false);
          } else next();
        });
        socket.on('error', () => end(true));
        socket.on('timeout', () => end(true));
        // Between requests a server may end a connection; with one on it, somebody has lost it.
        socket.on('close', () => end(sent !== 0));
        sockets.add(socket);
      };
      open();
    });
  const sockets = new Set<Socket>();
  await Promise.all(Array.from({ length: options.connections }, client));
  const seconds = (performance.now() - started) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { requests: times.length, failures, perSecond: times.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
  return text.length >= head + 4 + length;
}
