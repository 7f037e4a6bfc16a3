// Cuts the network between members of a store, pair by pair and direction by direction, without root: every member advertises the
// port of a small TCP proxy in front of its peer port. Whose connection it is, is looked up where Linux has it (/proc).
// A cut swallows bytes and closes nothing, as a network does that loses packets; what connects meanwhile waits for an answer.

import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

const host = '127.0.0.1';

/** Index of a member in its store. */
export type Index = number;

interface Connection {
  /** Looked up at the first cut: that costs some milliseconds, which many connections at once would add up. */
  from: Index | 'unknown' | undefined;
  readonly to: Index;
  readonly near: Socket;
  readonly far: Socket;
}

export class Network {
  readonly #pids: () => readonly number[];
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Connection>();
  readonly #cut = new Set<string>();
  #closed = false;

  /** `pids` are the processes of the members, in their order. */
  constructor(pids: () => readonly number[]) {
    this.#pids = pids;
  }

  /** A port in front of `target`, the peer port of member `to`. */
  async proxy(to: Index, target: number): Promise<number> {
    const server = createServer({ pauseOnConnect: true }, (near) => this.#accept(near, to, target));
    this.#servers.push(server);
    server.listen(0, host);
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  }

  /** What `from` sends does not reach `to`; the other direction is not concerned. */
  cutOneWay(from: Index, to: Index): void {
    this.#cut.add(pair(from, to));
  }

  cut(a: Index, b: Index): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  /** Cuts a member off from all others. */
  isolate(index: Index): void {
    for (const other of this.#pids().keys()) if (other !== index) this.cut(index, other);
  }

  /** Connections that suffered are ended, so that the members make others at once instead of after TCP's patience. */
  heal(): void {
    const suffered = [...this.#connections].filter((connection) => this.#isCut(connection).some((cut) => cut));
    this.#cut.clear();
    for (const { near, far } of suffered) {
      near.destroy();
      far.destroy();
    }
  }

  async stop(): Promise<void> {
    this.#closed = true;
    for (const { near, far } of this.#connections) {
      near.destroy();
      far.destroy();
    }
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #accept(near: Socket, to: Index, target: number): void {
    const far = connect(target, host);
    const connection: Connection = { from: undefined, to, near, far };
    this.#connections.add(connection);
    const end = (): void => {
      this.#connections.delete(connection);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    if (this.#closed) end();
    const [out, back] = [() => this.#isCut(connection)[0], () => this.#isCut(connection)[1]];
    near.on('data', (bytes) => out() || far.write(bytes));
    far.on('data', (bytes) => back() || near.write(bytes));
    near.resume();
  }

  /** Of the way from who connected, and of the way back to it. A connection without a known owner is never cut. */
  #isCut(connection: Connection): [boolean, boolean] {
    if (this.#cut.size === 0) return [false, false];
    const { near, to } = connection;
    connection.from ??= ownerOf(near.remotePort ?? 0, near.localPort ?? 0, this.#pids()) ?? 'unknown';
    const { from } = connection;
    if (from === 'unknown') return [false, false];
    return [this.#cut.has(pair(from, to)), this.#cut.has(pair(to, from))];
  }
}

function pair(from: Index, to: Index): string {
  return `${from}>${to}`;
}

/** Which of the processes has the connection from local port `port` to `remote`; asked while it is open. */
function ownerOf(port: number, remote: number, pids: readonly number[]): Index | undefined {
  const inode = inodeOf(port, remote);
  if (inode === undefined) return undefined;
  const found = pids.findIndex((pid) => pid > 0 && hasSocket(pid, inode));
  return found < 0 ? undefined : found;
}

function inodeOf(port: number, remote: number): string | undefined {
  const hex = (value: number) => value.toString(16).toUpperCase().padStart(4, '0');
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(`:${hex(port)}`) && fields[2]?.endsWith(`:${hex(remote)}`)) return fields[9];
  }
  return undefined;
}

function hasSocket(pid: number, inode: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`;
      } catch {
        return false;
      }
    });
  } catch {
    // The process has ended.
    return false;
  }
}
