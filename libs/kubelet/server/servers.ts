// The servers of a kubelet that its configuration asks for.
import type { Pod } from '@drydock/api/generated/types.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { ServingTimes } from '@drydock/foundation/serving/bounds.ts';
import type { KubeletConfig } from '../config.ts';
import type { ContainerEngine } from '../engine/engine.ts';
import type { PodObservation } from '../pod/observation.ts';
import type { PodVolumeStats } from '../volumes/csi/volume-stats.ts';
import { NodeAccess } from './access.ts';
import type { NodeUsage } from './resource-metrics.ts';

/** What the servers see of the kubelet. */
export interface KubeletView {
  readonly manager: {
    worker(namespace: string, name: string): { readonly pod: Pod; readonly observed: PodObservation } | undefined;
    all(): Pod[];
  };
  /** Why it is not healthy; undefined where it is. */
  health(): string | undefined;
  /** How full volumes are, as far as somebody says so. */
  volumeStats?(): Promise<readonly PodVolumeStats[]>;
}

export interface ServerPorts {
  readonly config: KubeletConfig;
  readonly client: ApiClient;
  readonly engine: ContainerEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly kubelet: KubeletView;
  /** Undefined where that cannot be measured. */
  readonly nodeUsage?: () => NodeUsage | undefined;
  /** Other bounds for strangers than the usual ones. */
  readonly bounds?: { readonly times?: ServingTimes; readonly strangersMax?: number };
}

/** Without a serving certificate there are none, and the log says so; nor where the configuration wants none. */
export async function kubeletServers(ports: ServerPorts): Promise<Service[]> {
  const { config, log } = ports;
  if (config.serves === false) return [];
  if (config.certFile === '' || config.keyFile === '') {
    log.warn({}, 'no tlsCertFile and tlsPrivateKeyFile: logs and exec are not served');
    return [];
  }
  const { httpsServer } = await import('./https-server.ts');
  const { client, clock } = ports;
  const { nodeName, webhook, anonymous, tokenWebhook, answerTimes: times } = config;
  const access = new NodeAccess({ client, clock, nodeName, webhook, anonymous, tokenWebhook, times });
  const servers = [httpsServer(ports, access)];
  // The agent has nothing else than what is for debugging.
  if (config.agentPort > 0 && config.clientCaFile !== '' && config.debuggingHandlers !== false)
    servers.push((await import('./agent-server.ts')).agentServer(ports, access));
  return servers;
}
