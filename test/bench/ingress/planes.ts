// What can stand between clients and backends: each with the same two backends, brought up and down in the same way.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildProcess, spawn, spawnSync } from '@drydock/foundation/child-process.ts';
import { cluster, ingress, service, slice } from '@drydock/ingress/testing/objects.ts';
import { Served } from '@drydock/ingress/testing/served.ts';

export interface Plane {
  readonly name: string;
  readonly port: number;
  /** Another configuration with the same meaning, applied while clients go on; undefined where there is nothing to reload. */
  readonly reload: ((round: number) => Promise<void>) | undefined;
  /** Its processes. */
  pids(): number[];
  close(): Promise<void>;
}

export const host = 'example.com';
const ticksPerSecond = 100;
const folder = mkdtempSync(`${tmpdir()}/bench-ingress-`);

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answered = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then(
      (answer) => answer.text().then(() => true),
      () => false,
    );
    if (answered) return;
    await sleep(50);
  }
  throw new Error(`nobody listens at ${port}`);
}

function childrenOf(pid: number): number[] {
  const own = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = own.filter((name) => {
    try {
      return new RegExp(`\\) \\S+ ${pid} `).test(readFileSync(`/proc/${name}/stat`, 'utf8'));
    } catch {
      return false;
    }
  });
  return [pid, ...children.flatMap((name) => childrenOf(Number(name)))];
}

function started(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, [...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  .map((name) => `${name}_temp_path ${folder}/${name};`)
  .join(' ');

async function plainNginx(name: string, port: number, http: string): Promise<{ child: ChildProcess; file: string }> {
  mkdirSync(`${folder}/${name}`, { recursive: true });
  const file = `${folder}/${name}/nginx.conf`;
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/${name}/pid; error_log stderr emerg;
events { worker_connections 512; }
http { access_log off; ${temporary} keepalive_requests 1000000; ${http} }\n`,
  );
  const child = started('nginx', ['-p', folder, '-c', file]);
  await listening(port);
  return { child, file };
}

/** Two backends that answer `ok`. */
export async function backends(ports: readonly number[]): Promise<() => Promise<void>> {
  const servers = ports.map((port) => `server { listen 127.0.0.1:${port} reuseport; location / { return 200 ok; } }`).join(' ');
  const { child } = await plainNginx('backends', ports[0] ?? 0, servers);
  return () => ended(child);
}

/** This project's: the plan of an Ingress on nginx with Lua. */
export async function ours(ports: readonly number[], port: number): Promise<Plane> {
  const served = await Served.create({ httpPort: port });
  const objects = (round: number) =>
    cluster(
      [ingress({ host, paths: ['Prefix / web', `Exact /round-${round} web`] })],
      [service('web')],
      ports.map((at) => slice('web', ['127.0.0.1'], at)),
    );
  await served.show(objects(0), {}, { 'keep-alive-requests': '1000000' });
  return {
    name: 'ours (nginx with Lua, generated)',
    port,
    reload: async (round) => {
      await served.show(objects(round), {}, { 'keep-alive-requests': '1000000' });
    },
    pids: () => served.pids().flatMap(childrenOf),
    close: () => served.close(),
  };
}

/** The least that nginx must be told: what Lua and the other directives cost is the difference. */
export async function bareNginx(ports: readonly number[], port: number): Promise<Plane> {
  const servers = ports.map((at) => `server 127.0.0.1:${at};`).join(' ');
  const http = `upstream web { ${servers} keepalive 320; } server { listen 127.0.0.1:${port} reuseport;
location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_pass http://web; } }`;
  const { child } = await plainNginx('bare', port, http);
  return {
    name: 'nginx, plain upstream',
    port,
    reload: async () => {
      child.kill('SIGHUP');
      await sleep(500);
    },
    pids: () => childrenOf(child.pid ?? 0),
    close: () => ended(child),
  };
}

/** Where it is installed. */
export async function haproxy(ports: readonly number[], port: number): Promise<Plane | undefined> {
  if (!existsSync('/usr/sbin/haproxy')) return undefined;
  const file = `${folder}/haproxy.cfg`;
  writeFileSync(
    file,
    `global
  nbthread 1
  stats socket ${folder}/haproxy.sock mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  option idle-close-on-response
frontend in
  bind 127.0.0.1:${port}
  use_backend web if { req.hdr(host) -m found }
backend web
  http-reuse always
${ports.map((at, index) => `  server s${index} 127.0.0.1:${at}`).join('\n')}
`,
  );
  const child = started('/usr/sbin/haproxy', ['-W', '-q', '-f', file]);
  await listening(port);
  return {
    name: 'haproxy',
    port,
    reload: async () => {
      child.kill('SIGUSR2');
      await sleep(500);
    },
    pids: () => childrenOf(child.pid ?? 0),
    close: () => ended(child),
  };
}

/** A proxy of node:http in a process of its own, which is configured without a reload. */
export async function nodeProxy(ports: readonly number[], port: number): Promise<Plane> {
  const file = new URL('./node-proxy.ts', import.meta.url).pathname;
  const child = started(process.execPath, ['--disable-warning=ExperimentalWarning', file, String(port), ...ports.map(String)]);
  await listening(port);
  return { name: 'node:http', port, reload: undefined, pids: () => childrenOf(child.pid ?? 0), close: () => ended(child) };
}

/** MiB of a process and its children, shared memory divided among who shares it. */
export function memoryMiB(pids: readonly number[]): number {
  const kib = pids.map((pid) => {
    try {
      return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      return 0;
    }
  });
  return kib.reduce((sum, value) => sum + value, 0) / 1024;
}

/** Processor time of processes so far, in seconds. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, value) => sum + value, 0) / ticksPerSecond;
}

export function cleanUp(): void {
  rmSync(folder, { recursive: true, force: true });
}

export function nginxMissing(): boolean {
  return spawnSync('nginx', ['-v']).status !== 0;
}
