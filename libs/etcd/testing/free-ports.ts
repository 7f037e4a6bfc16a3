// Ports for servers that tests start.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** What was given away here may not be listened on yet. */
const given = new Set<number>();

/** Ports of 127.0.0.1, all different, that nobody listens on, and nobody else of this process was given. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const found = (await unusedPorts(count - ports.length)).filter((port) => !given.has(port));
    for (const port of found) given.add(port);
    ports.push(...found);
  }
  return ports;
}

async function unusedPorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}
