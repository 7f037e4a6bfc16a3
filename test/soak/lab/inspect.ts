// What a running Node process says of its memory, asked through its inspector, which a signal opens: works with every program
// as it is, and costs nothing while nobody asks. As a program: `node inspect.ts PID`, for a process in another network namespace.
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';

/** In megabytes. `rss` is `anon` (the program's own) and `file` (mapped files: Node itself, the store's data). */
export interface Memory {
  readonly rss: number;
  readonly anon: number;
  readonly file: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
}

interface Told {
  readonly pid: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
}

const inspectorUrl = 'http://127.0.0.1:9229/json/list';
const patienceMs = 20_000;
const megabyte = 1024 * 1024;

/** The memory of a process now, after a collection where `collect` says so; undefined where it has ended. */
export async function memoryOf(pid: number, collect = false): Promise<Memory | undefined> {
  try {
    const told = sameNetwork(pid) ? await ask(pid, collect) : await askInside(pid, collect);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mb = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
    const { heapUsed, heapTotal, external } = told;
    return {
      ...{ rss: mb('VmRSS'), anon: mb('RssAnon'), file: mb('RssFile') },
      ...{ heapUsed: heapUsed / megabyte, heapTotal: heapTotal / megabyte, external: external / megabyte },
    };
  } catch (error) {
    if (!alive(pid)) return undefined;
    throw new Error(`process ${pid} does not tell of its memory`, { cause: error });
  }
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function sameNetwork(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net');
}

async function askInside(pid: number, collect: boolean): Promise<Told> {
  const words = [process.execPath, fileURLToPath(import.meta.url), String(pid), String(collect)];
  return JSON.parse((await execa('nsenter', [`--net=/proc/${pid}/ns/net`, ...words])).stdout) as Told;
}

/** Opens the inspector, asks, and waits until it is closed. All processes of a network share one port: never ask two at once. */
async function ask(pid: number, collect: boolean): Promise<Told> {
  const deadline = performance.now() + patienceMs;
  await until(deadline, 'the port of the inspector is not free', async () => (await target()) === undefined);
  process.kill(pid, 'SIGUSR1');
  let url: string | undefined;
  await until(deadline, 'the inspector does not open', async () => {
    url = await target();
    return url !== undefined;
  });
  const told = await evaluate(url ?? '', collect);
  if (told.pid !== pid) throw new Error(`process ${told.pid} answered`);
  await until(deadline, 'the inspector does not close', async () => (await target()) === undefined);
  return told;
}

/** Where the inspector of some process listens; undefined where none does. */
async function target(): Promise<string | undefined> {
  try {
    const [first] = (await (await fetch(inspectorUrl)).json()) as { webSocketDebuggerUrl: string }[];
    return first?.webSocketDebuggerUrl;
  } catch {
    return undefined;
  }
}

async function until(deadline: number, otherwise: string, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(otherwise);
    await sleep(50);
  }
}

/** Closing with a session attached can end the process: it comes when this side has left. */
const expression = `(() => {
  setTimeout(() => process.getBuiltinModule("node:inspector").close(), 300);
  return JSON.stringify({ pid: process.pid, ...process.memoryUsage() });
})()`;

function evaluate(url: string, collect: boolean): Promise<Told> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const limit = setTimeout(() => {
      socket.close();
      reject(new Error('the inspector does not answer'));
    }, patienceMs);
    const say = (id: number, method: string, params: object = {}) => socket.send(JSON.stringify({ id, method, params }));
    socket.onopen = () => (collect ? say(1, 'HeapProfiler.collectGarbage') : say(2, 'Runtime.evaluate', { expression }));
    socket.onerror = () => reject(new Error(`no connection to ${url}`));
    socket.onclose = () => clearTimeout(limit);
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(String(data)) as { id: number; result?: { result?: { value?: string } } };
      if (answer.id === 1) say(2, 'Runtime.evaluate', { expression });
      if (answer.id !== 2) return;
      socket.close();
      resolve(JSON.parse(answer.result?.result?.value ?? '{}') as Told);
    };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(await ask(Number(process.argv[2]), process.argv[3] === 'true')));
}
