// The table of cloud-controller-manager's controllers.

import type { ControllerContext } from './common/ports.ts';
import type { ControllerSet } from './entry.ts';
import { startServiceController } from './service/controller.ts';
import { type PathPorts, startPathController } from './service/paths/controller.ts';
import type { AddressPool } from './service/pool.ts';

/** What the flags say. */
export interface CloudOptions {
  /** What load balancers get their addresses of; undefined where there are none to give. */
  readonly addresses: AddressPool | undefined;
  /** What leads to them; undefined where that is nobody's here. */
  readonly paths: PathPorts | undefined;
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
      name: 'service-lb-controller',
      alias: 'service',
      account: 'service-controller',
      start: startLoadBalancers,
    },
  ],
  notYet: [
    'cloud-node-controller',
    'cloud-node',
    'cloud-node-lifecycle-controller',
    'cloud-node-lifecycle',
    'node-route-controller',
    'route',
  ],
};
