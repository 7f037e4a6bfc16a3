// Starts an upstream cluster with one of its programs replaced by ours. Needs DRYDOCK_UPSTREAM: the folder with the `cluster` script.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';

const upstream = process.env.DRYDOCK_UPSTREAM;

/** Why the swap tests cannot run here, or undefined. */
export const swapSkipReason =
  upstream === undefined || !existsSync(join(upstream, 'cluster'))
    ? 'DRYDOCK_UPSTREAM is not set to the folder of the upstream programs'
    : process.getuid?.() !== 0
      ? 'workers need root'
      : undefined;

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Workers of the upstream script have fixed names and addresses: one such cluster at a time. */
export const port = 17443;
export const folder = '/tmp/drydock-swap';

/** The launcher's command for a component, as `--use` takes it. */
export function ours(component: string): string {
  return `${component}=${join(repository, 'drydock')} run ${component}`;
}

export interface UpstreamCluster {
  readonly kubectl: (...args: string[]) => Promise<string>;
  readonly load: (archive: string) => Promise<void>;
  /** Runs a command in a worker's network. */
  readonly onWorker: (worker: number, command: string) => Promise<string>;
  readonly down: () => Promise<void>;
}

export async function upstreamCluster(args: readonly string[]): Promise<UpstreamCluster> {
  const script = join(upstream ?? '', 'cluster');
  const down = async () => {
    await execa(script, ['down', '--dir', folder]);
  };
  try {
    await execa(script, ['up', '--dir', folder, '--port', String(port), '--nodes', '2', ...args]);
  } catch (error) {
    await down();
    throw error;
  }
  const kubeconfig = join(folder, 'admin.kubeconfig');
  return {
    kubectl: async (...words) => (await execa('kubectl', ['--kubeconfig', kubeconfig, ...words])).stdout,
    load: async (archive) => {
      await execa(script, ['load', archive, '--dir', folder]);
    },
    onWorker: async (worker, command) =>
      (await execa('nsenter', [`--net=/var/run/netns/up-node${worker}`, 'sh', '-c', command])).stdout,
    down,
  };
}
