// Adapter: IPv4 routes of a network namespace, through iproute2. A protocol number marks those of one maker.

import type { RouteTable } from '@drydock/controllers/common/route-table.ts';
import { spawn } from '@drydock/foundation/child-process.ts';

/** Not in /etc/iproute2/rt_protos: nobody else's routes carry them. */
export const protocols = { loadBalancers: '109', pods: '110' } as const;
/** `ip` waits for nothing but the kernel. */
const toolMs = 10_000;
/** The most that it says of routes; each takes about a hundred bytes. */
const outputBytesMax = 16 * 1024 * 1024;

/** The routes of one maker in the network namespace of that name (`ip netns`). */
export function netnsRoutes(netns: string, protocol: string): RouteTable {
  const ip = (...words: readonly string[]) => run(['-n', netns, ...words]);
  return {
    async routes() {
      const routes = JSON.parse((await ip('-j', '-4', 'route', 'show', 'proto', protocol)) || '[]') as Route[];
      return new Map(routes.flatMap(({ dst, gateway }) => (gateway === undefined ? [] : [[dst, gateway]])));
    },
    async lead(destination, to) {
      await ip('route', 'replace', destination, 'via', to, 'proto', protocol);
    },
    async close(destination) {
      await ip('route', 'del', destination, 'proto', protocol).catch((error: Error) => {
        if (!error.message.includes('No such process')) throw error;
      });
    },
  };
}

interface Route {
  /** Of a single address: without a length. */
  readonly dst: string;
  readonly gateway?: string;
}

function run(words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('ip', words, { stdio: ['ignore', 'pipe', 'pipe'], timeout: toolMs, killSignal: 'SIGKILL' });
    let [out, err] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      if (out.length > outputBytesMax) child.kill('SIGKILL');
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      err = (err + chunk).slice(0, 4096);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new Error(`ip ${words.join(' ')}: ${signal ?? `exit status ${code}`}: ${err.trim()}`));
    });
  });
}
