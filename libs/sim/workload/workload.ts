import { api, SimClient } from '../client.ts';
import type { SimCluster } from '../cluster.ts';
import { pick, type SimOptions } from '../options.ts';

export interface Workload {
  stop(): void;
  readonly idle: boolean;
  readonly operations: number;
}

export function startWorkload(cluster: SimCluster, options: SimOptions): Workload {
  let stopped = false;
  let running = 0;
  let operations = 0;
  for (let i = 0; i < options.clients; i++) {
    const client = new SimClient(cluster, `c${i + 1}`);
    const random = cluster.world.random.stream(`client/${i}`);
    const loop = async (): Promise<void> => {
      running++;
      while (!stopped) {
        const [first, ...rest] = cluster.hosts;
        if (first === undefined) return;
        const host = pick(random, [first, ...rest]);
        const key = `k${random.int(options.keys)}`;
        try {
          if (random.int(2) === 0) await client.call(host, api.put, { key, value: Buffer.from(`v${operations}`) });
          else await client.call(host, api.range, { key });
        } catch {}
        operations++;
        await client.sleep(random.next() * 2000 * options.thinkMs);
      }
      running--;
    };
    cluster.world.schedule(1000, () => void loop());
  }
  return {
    stop: () => {
      stopped = true;
    },
    get idle() {
      return running === 0;
    },
    get operations() {
      return operations;
    },
  };
}
