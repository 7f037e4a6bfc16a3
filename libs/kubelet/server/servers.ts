// The servers of a kubelet that its configuration asks for.
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { KubeletConfig } from '../config.ts';
import type { ContainerEngine } from '../engine/engine.ts';
import type { Kubelet } from '../kubelet.ts';

export interface ServerPorts {
  readonly config: KubeletConfig;
  readonly client: ApiClient;
  readonly engine: ContainerEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly kubelet: Kubelet;
}

/** Without a serving certificate there are none, and the log says so. */
export async function kubeletServers(ports: ServerPorts): Promise<Service[]> {
  const { config, log } = ports;
  if (config.certFile === '' || config.keyFile === '') {
    log.warn({}, 'no tlsCertFile and tlsPrivateKeyFile: logs and exec are not served');
    return [];
  }
  const { httpsServer } = await import('./https-server.ts');
  const servers = [httpsServer(ports)];
  if (config.agentPort > 0 && config.clientCaFile !== '') servers.push((await import('./agent-server.ts')).agentServer(ports));
  return servers;
}
