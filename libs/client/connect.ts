// From a kubeconfig to a client: the server's scheme chooses the transport. Only that transport's code is loaded.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { ApiClient } from './api-client.ts';
import { type ClientConfig, grpcAddresses, readKubeconfig } from './kubeconfig.ts';

export interface ClientPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Sent as User-Agent; default `drydock`. */
  readonly userAgent?: string | undefined;
}

/**
 * A client for the kubeconfig file at that path, or for a configuration already read. Connects with the first call, so a
 * server that is down is no error here. Throws KubeconfigError.
 */
export async function connect(source: string | ClientConfig, ports: ClientPorts): Promise<ApiClient> {
  const config = typeof source === 'string' ? await readKubeconfig(source) : source;
  if (config.server.startsWith('grpcs://')) {
    const { GrpcClient } = await import('./grpc-client.ts');
    return new GrpcClient(config, grpcAddresses(config.server), ports);
  }
  const { RestClient } = await import('./rest-client.ts');
  return new RestClient(config, ports);
}
