// The table of cloud-controller-manager's controllers.

import { startCloudNodeController } from './cloudnode/controller.ts';
import type { Cloud } from './cloudnode/inventory.ts';
import { startCloudNodeLifecycleController } from './cloudnode/lifecycle-controller.ts';
import type { ControllerContext } from './common/ports.ts';
import type { ControllerSet } from './entry.ts';
import { type NodeRouteOptions, startNodeRouteController } from './noderoute/controller.ts';
import { startServiceController } from './service/controller.ts';
import { type PathPorts, startPathController } from './service/paths/controller.ts';
import type { AddressPool } from './service/pool.ts';

/** What the flags say. */
export interface CloudOptions {
  /** What load balancers get their addresses of; undefined where there are none to give. */
  readonly addresses: AddressPool | undefined;
  /** What leads to them; undefined where that is nobody's here. */
  readonly paths: PathPorts | undefined;
  /** Where nodes' machines are; undefined where nothing is told of them. */
  readonly cloud: Cloud | undefined;
  /** --concurrent-node-syncs */
  readonly nodeSyncs: number;
  /** --node-status-update-frequency and --node-monitor-period, in milliseconds. */
  readonly nodeStatusPeriodMs: number;
  readonly nodeMonitorPeriodMs: number;
  /** The ways to the pods of each node; undefined where they are nobody's here. */
  readonly routes: NodeRouteOptions | undefined;
}

function startLoadBalancers({ addresses, paths }: CloudOptions, context: ControllerContext): Promise<void> | undefined {
  if (addresses === undefined) return undefined;
  const given = startServiceController(addresses, context);
  if (paths === undefined) return given;
  return Promise.all([given, startPathController(addresses, paths, context)]).then(() => {});
}

/** All that cloud-controller-manager has. */
export const cloudControllers: ControllerSet<CloudOptions> = {
  entries: [
    {
      name: 'cloud-node-controller',
      alias: 'cloud-node',
      account: 'node-controller',
      eventSource: 'cloud-node-controller',
      start: ({ cloud, nodeSyncs: concurrency, nodeStatusPeriodMs: periodMs }, context) =>
        cloud === undefined ? undefined : startCloudNodeController({ cloud, concurrency, periodMs }, context),
    },
    {
      name: 'cloud-node-lifecycle-controller',
      alias: 'cloud-node-lifecycle',
      account: 'node-controller',
      eventSource: 'cloud-node-lifecycle-controller',
      start: ({ cloud, nodeMonitorPeriodMs: periodMs }, context) =>
        cloud === undefined ? undefined : startCloudNodeLifecycleController({ cloud, periodMs }, context),
    },
    {
      name: 'service-lb-controller',
      alias: 'service',
      account: 'service-controller',
      start: startLoadBalancers,
    },
    {
      name: 'node-route-controller',
      alias: 'route',
      account: 'route-controller',
      eventSource: 'route_controller',
      start: ({ routes }, context) => (routes === undefined ? undefined : startNodeRouteController(routes, context)),
    },
  ],
  notYet: [],
};
