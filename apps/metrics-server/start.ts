// The parts of the server, put together and started.

import { delegatedAccess } from '@drydock/client/access/flags.ts';
import { authorization } from '@drydock/client/auth.ts';
import { startGuarded } from '@drydock/client/component-serving.ts';
import { connect } from '@drydock/client/connect.ts';
import { kubeconfigOfFlag } from '@drydock/client/kubeconfig-flag.ts';
import { Metrics } from '@drydock/client/metrics.ts';
import type { ProgramContext } from '@drydock/foundation/program.ts';
import { ClusterView } from '@drydock/metrics-server/cluster-view.ts';
import { Collector } from '@drydock/metrics-server/collector.ts';
import { KubeletClient } from '@drydock/metrics-server/kubelet-client.ts';
import { metricsPages } from '@drydock/metrics-server/pages.ts';
import { Scraper } from '@drydock/metrics-server/scraper.ts';
import { MetricsStorage } from '@drydock/metrics-server/storage.ts';
import { accessOf, checkFlags, type Given, kubeletTls, nodeSelector } from './settings.ts';

type Ports = Pick<ProgramContext<Record<string, never>>, 'clock' | 'random' | 'log' | 'lifecycle'>;

const userAgent = 'metrics-server/drydock';

/** Throws StartupError. Rounds begin when nodes and pods are known. */
export async function startMetricsServer(v: Given, { clock, random, log, lifecycle }: Ports): Promise<void> {
  checkFlags(v);
  const selector = nodeSelector(v);
  const config = await kubeconfigOfFlag(v.kubeconfig);
  const reader = new KubeletClient(kubeletTls(v, config), authorization(config, clock));
  const client = await connect(config, { clock, random, userAgent });
  const view = new ClusterView({ client, clock, random, log }, selector);
  const metrics = new Metrics();
  const resolutionMs = v['metric-resolution'];
  const storage = new MetricsStorage(resolutionMs);
  const scraper = new Scraper({
    ...{ reader, clock, log, metrics },
    places: {
      addressTypes: v['kubelet-preferred-address-types'],
      port: v['kubelet-port'],
      useNodeStatusPort: v['kubelet-use-node-status-port'],
    },
    timeoutMs: v['kubelet-request-timeout'],
    nodeOfPod: (id) => view.nodeOfPod(id),
  });
  const collector = new Collector({ scraper, storage, clock, metrics, resolutionMs, nodes: () => view.nodes() });
  const stopped = new AbortController();
  const running: Promise<void>[] = [];
  await lifecycle.start({
    name: 'rounds',
    async start() {
      const watching = view.run(stopped.signal);
      // What is stopped before it is synced never will be.
      running.push(
        Promise.race([view.synced(), watching]).then(() => collector.run(stopped.signal)),
        watching,
      );
    },
    async stop() {
      stopped.abort();
      await Promise.all(running);
      client.close();
      reader.close();
    },
  });
  const access = await delegatedAccess(accessOf(v), { clock, random, log, userAgent });
  const pages = metricsPages({ view, storage, collector, metrics, nowMs: () => clock.wallMs() });
  await startGuarded('metrics-server', v, access, { clock, random, lifecycle }, pages);
}
