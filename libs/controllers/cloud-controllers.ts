// The table of cloud-controller-manager's controllers.
import type { ControllerSet } from './entry.ts';
import { startServiceController } from './service/controller.ts';
import type { AddressPool } from './service/pool.ts';

/** What the flags say. */
export interface CloudOptions {
  /** What load balancers get their addresses of; undefined where there are none to give. */
  readonly addresses: AddressPool | undefined;
}

/** All that cloud-controller-manager has. */
export const cloudControllers: ControllerSet<CloudOptions> = {
  entries: [
    {
      name: 'service-lb-controller',
      alias: 'service',
      account: 'service-controller',
      start: ({ addresses }, context) => (addresses === undefined ? undefined : startServiceController(addresses, context)),
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
