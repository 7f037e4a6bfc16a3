// What a program does with its --kubeconfig flag: read it, or end with what is wrong with it.
import { StartupError } from '@drydock/foundation/program.ts';
import { inClusterConfig } from './in-cluster.ts';
import { type ClientConfig, KubeconfigError, readKubeconfig } from './kubeconfig.ts';

/** The connection that the file at `path` describes. Throws StartupError where the flag is missing or the file is of no use. */
export async function kubeconfigOfFlag(path: string | undefined): Promise<ClientConfig> {
  if (path === undefined || path === '') throw new StartupError('--kubeconfig is required');
  try {
    return await readKubeconfig(path);
  } catch (error) {
    if (error instanceof KubeconfigError) throw new StartupError(error.message);
    throw error;
  }
}

/** The same; without the flag the account of the pod that the program runs in. Throws StartupError where there is neither. */
export async function kubeconfigOrPod(path: string, env: Readonly<Record<string, string | undefined>>): Promise<ClientConfig> {
  if (path !== '') return kubeconfigOfFlag(path);
  const config = inClusterConfig(env);
  if (config === undefined) throw new StartupError('--kubeconfig is required: this is no pod with a service account');
  return config;
}
