// How a program in a pod reaches the API server: by the Service `kubernetes`, as the pod's service account (client-go,
// rest.InClusterConfig).
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientConfig } from './kubeconfig.ts';

/** Where every container has the token of its pod's account, and the authority of the API server. */
export const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The connection of the pod that this process runs in; undefined where it is none, or has no account. */
export function inClusterConfig(
  env: Readonly<Record<string, string | undefined>>,
  folder = serviceAccountFolder,
): ClientConfig | undefined {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } = env;
  const tokenFile = join(folder, 'token');
  if (host === '' || port === '' || !existsSync(tokenFile)) return undefined;
  const file = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined);
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: file('ca.crt'),
    tokenFile,
    namespace: file('namespace')?.toString('utf8').trim(),
  };
}
