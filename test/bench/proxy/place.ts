// A network namespace with a kube-proxy and an agent in it. It reaches the API server through a relay on its link, and nothing else.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type ChildProcess, execFileSync, spawn } from '@drydock/foundation/child-process.ts';
import { parse, stringify } from 'yaml';
import type { Order } from './agent.ts';

export const endpoint = { ip: '10.213.0.1', port: 8080 } as const;
const relayPort = 16_443;
const flags = ['--proxy-mode=nftables', '--cluster-cidr=10.213.0.0/16', '--conntrack-max-per-core=0', '--oom-score-adj=0'];

export interface Place {
  readonly name: string;
  readonly nodeIP: string;
  /** Wall time at which what was ordered was so. */
  ask(order: Order): Promise<number>;
  close(): Promise<void>;
}

/** `command`: the kube-proxy. `index`: tells places apart. The node `drydock-bench-NAME` must be there already. */
export async function openPlace(name: string, index: number, command: readonly string[], kubeconfig: string): Promise<Place> {
  const { nodeIP, hostIP } = addresses(index);
  const namespace = `ddbench-${name}-${process.pid}`;
  const link = `ddb${index}-${process.pid}`.slice(0, 15);
  const ip = (...args: string[]) => execFileSync('ip', args);
  const enter = [`--net=/var/run/netns/${namespace}`];
  const inside = (...words: string[]) => execFileSync('nsenter', [...enter, ...words]);
  const folder = mkdtempSync(join(tmpdir(), 'drydock-bench-proxy-'));
  const children: ChildProcess[] = [];
  let relay: Server | undefined;
  const close = async (): Promise<void> => {
    for (const child of children) {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('close', resolve));
    }
    relay?.close();
    execFileSync('ip', ['netns', 'del', namespace]);
    rmSync(folder, { recursive: true, force: true });
  };
  ip('netns', 'add', namespace);
  try {
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    ip('address', 'add', `${hostIP}/30`, 'dev', link);
    ip('link', 'set', link, 'up');
    inside('ip', 'link', 'set', 'lo', 'up');
    inside('ip', 'address', 'add', `${endpoint.ip}/32`, 'dev', 'lo');
    inside('ip', 'address', 'add', `${nodeIP}/30`, 'dev', 'eth0');
    inside('ip', 'link', 'set', 'eth0', 'up');
    inside('ip', 'route', 'add', 'default', 'via', hostIP);
    const { text, server } = relayed(readFileSync(kubeconfig, 'utf8'), hostIP);
    writeFileSync(join(folder, 'kubeconfig'), text, { mode: 0o600 });
    relay = await relayTo(server, hostIP);
    const proxyFlags = [...flags, `--kubeconfig=${join(folder, 'kubeconfig')}`, `--hostname-override=drydock-bench-${name}`];
    children.push(spawn('nsenter', [...enter, ...command, ...proxyFlags], { stdio: ['ignore', 'ignore', 'ignore'] }));
    const agent = fileURLToPath(new URL('./agent.ts', import.meta.url));
    const words = [...enter, process.execPath, agent, endpoint.ip, String(endpoint.port)];
    const watcher = spawn('nsenter', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(watcher);
    const lines = createInterface({ input: watcher.stdout });
    await nextLine(lines);
    const ask = async (order: Order): Promise<number> => {
      const line = nextLine(lines);
      watcher.stdin.write(`${JSON.stringify(order)}\n`);
      return Number(await line);
    };
    return { name, nodeIP, ask, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export function addresses(index: number): { readonly nodeIP: string; readonly hostIP: string } {
  return { hostIP: `10.212.${index}.1`, nodeIP: `10.212.${index}.2` };
}

const nextLine = (lines: Interface) => new Promise<string>((resolve) => lines.once('line', resolve));

/** The same access through the relay: the certificate names another address, and is not looked at. */
function relayed(text: string, hostIP: string): { readonly text: string; readonly server: URL } {
  const config = parse(text) as { clusters: { cluster: Record<string, unknown> }[] };
  const cluster = config.clusters[0]?.cluster ?? {};
  const server = new URL(String(cluster.server));
  for (const key of Object.keys(cluster)) delete cluster[key];
  Object.assign(cluster, { server: `https://${hostIP}:${relayPort}`, 'insecure-skip-tls-verify': true });
  return { text: stringify(config), server };
}

function relayTo(server: URL, host: string): Promise<Server> {
  return new Promise((resolve) => {
    const relay = createServer({ noDelay: true }, (near) => {
      const far = dial({ host: server.hostname, port: Number(server.port), noDelay: true });
      for (const socket of [near, far]) {
        socket.on('error', () => {});
        socket.on('close', () => [near, far].forEach((each) => void each.destroy()));
      }
      near.pipe(far).pipe(near);
    });
    relay.listen(relayPort, host, () => resolve(relay));
  });
}
