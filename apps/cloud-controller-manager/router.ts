// Adapter: the paths of load balancers as routes of a network namespace, through iproute2. A protocol number marks them as ours.

import type { Router } from '@drydock/controllers/service/paths/controller.ts';
import { spawn } from '@drydock/foundation/child-process.ts';

/** Not in /etc/iproute2/rt_protos: nobody else's routes carry it. */
const protocol = '109';
/** `ip` waits for nothing but the kernel. */
const toolMs = 10_000;
/** The most that it says of routes; each takes about a hundred bytes. */
const outputBytesMax = 16 * 1024 * 1024;

/** The routes of the network namespace of that name (`ip netns`). */
export function netnsRouter(netns: string): Router {
  const ip = (...words: readonly string[]) => run(['-n', netns, ...words]);
  return {
    async paths() {
      const routes = JSON.parse((await ip('-j', '-4', 'route', 'show', 'proto', protocol)) || '[]') as Route[];
      return new Map(routes.flatMap(({ dst, gateway }) => (gateway === undefined ? [] : [[dst, gateway]])));
    },
    async lead(address, to) {
      await ip('route', 'replace', `${address}/32`, 'via', to, 'proto', protocol);
    },
    async close(address) {
      await ip('route', 'del', `${address}/32`, 'proto', protocol).catch((error: Error) => {
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
