// From flags to what the controllers of the cloud are told.
import type { CloudOptions } from '@drydock/controllers/cloud-controllers.ts';
import type { Cloud } from '@drydock/controllers/cloudnode/inventory.ts';
import { parseCidr } from '@drydock/controllers/nodeipam/cidr.ts';
import { type AddressPool, parsePool } from '@drydock/controllers/service/pool.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { flags } from './flags.ts';
import { healthCheck } from './health-check.ts';
import { inventoryFile } from './inventory-file.ts';
import { netnsRoutes, protocols } from './router.ts';

type FlagValues = Values<typeof flags>;

/** Rejects with StartupError, naming the flag that is wrong. */
export async function cloudOptions(v: FlagValues): Promise<CloudOptions> {
  if (v['cloud-provider'] !== 'local')
    throw new StartupError(`--cloud-provider: unknown cloud provider ${JSON.stringify(v['cloud-provider'])}`);
  const { 'load-balancer-router': netns, 'concurrent-node-syncs': nodeSyncs } = v;
  const addresses = poolOf(v['load-balancer-cidr']);
  if (addresses === undefined && netns !== '')
    throw new StartupError('--load-balancer-router: there is nothing to route without --load-balancer-cidr');
  if (nodeSyncs < 1) throw new StartupError('--concurrent-node-syncs: expected at least 1');
  return {
    addresses,
    paths: netns === '' ? undefined : { router: netnsRoutes(netns, protocols.loadBalancers), check: healthCheck },
    cloud: await cloudOf(v['cloud-config']),
    nodeSyncs,
    nodeStatusPeriodMs: v['node-status-update-frequency'],
    nodeMonitorPeriodMs: v['node-monitor-period'],
    routes: routesOf(v),
  };
}

function routesOf(v: FlagValues): CloudOptions['routes'] {
  const { 'pod-router': netns, 'cluster-cidr': cidrs } = v;
  if (netns === '' || !v['configure-cloud-routes']) return undefined;
  if (cidrs.length === 0) throw new StartupError('--pod-router: --cluster-cidr must say which routes are of pods');
  const clusterRanges = cidrs.map((text) => {
    const range = parseCidr(text);
    if (range === undefined) throw new StartupError(`--cluster-cidr: invalid CIDR address: ${text}`);
    return range;
  });
  return { table: netnsRoutes(netns, protocols.pods), clusterRanges, periodMs: v['route-reconciliation-period'] };
}

function poolOf(range: string): AddressPool | undefined {
  const addresses = range === '' ? undefined : parsePool(range);
  if (range !== '' && addresses === undefined)
    throw new StartupError(`--load-balancer-cidr: ${JSON.stringify(range)}: expected an IPv4 range such as 10.251.0.0/24`);
  return addresses;
}

/** It must be readable at the start, for then its path is wrong; what becomes of it later is no reason to end. */
async function cloudOf(path: string): Promise<Cloud | undefined> {
  if (path === '') return undefined;
  const cloud = inventoryFile(path);
  await cloud.machines().catch((cause: Error) => {
    throw new StartupError(`--cloud-config: ${cause.message}`, { cause });
  });
  return cloud;
}
