// The original apiserver, to be asked by recorders: one that runs already, or one started for this.

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type WireClient, wireClient } from '@drydock/apiserver/testing/wire.ts';
import { execFileSync } from '@drydock/foundation/child-process.ts';

export interface Original {
  readonly client: WireClient;
  stop(): Promise<void>;
}

const port = '17290';

/** Starts the original's control plane without controllers, unless `kubeconfig` names one that runs. */
export async function originalServer(kubeconfig: string | undefined): Promise<Original> {
  if (kubeconfig !== undefined) return { client: clientOf(kubeconfig), stop: async () => {} };
  const upstream = process.env.DRYDOCK_UPSTREAM;
  if (upstream === undefined) throw new Error('set DRYDOCK_UPSTREAM: this asks the original programs');
  const dir = join(mkdtempSync(join(tmpdir(), 'record-')), 'up');
  execFileSync(join(upstream, 'cluster'), ['up', '--dir', dir, '--port', port], { stdio: 'ignore' });
  for (const name of ['kube-controller-manager', 'kube-scheduler'])
    process.kill(Number(readFileSync(join(dir, 'pids', name), 'utf8')));
  return {
    client: clientOf(join(dir, 'admin.kubeconfig')),
    stop: async () => {
      execFileSync(join(upstream, 'cluster'), ['down', '--dir', dir], { stdio: 'ignore' });
    },
  };
}

export function clientOf(kubeconfig: string): WireClient {
  const text = readFileSync(kubeconfig, 'utf8');
  const field = (name: string): string => new RegExp(`${name}: "?([^\\s",}]+)`).exec(text)?.[1] ?? '';
  const pem = (name: string): string => Buffer.from(field(name), 'base64').toString();
  return wireClient(field('server'), {
    ca: pem('certificate-authority-data'),
    cert: pem('client-certificate-data'),
    key: pem('client-key-data'),
  });
}
