// The flags of cloud-controller-manager: upstream's names and defaults, and those of the local provider.
import { type IgnoredFlags, ignoredFlagsOf } from '@drydock/client/component-flags.ts';
import { ignoredManagerFlags, managerFlags } from '@drydock/controllers/manager-flags.ts';
import { flag } from '@drydock/foundation/flags.ts';

const seconds = 1_000;

export const flags = {
  ...managerFlags('cloud-controller-manager', 10258),
  'cloud-provider': flag('string', 'local', 'The provider for cloud services; the only one here is local.'),
  'cloud-config': flag(
    'string',
    '',
    'The path to the cloud provider configuration file: for the local one a JSON list of machines (name, providerID, addresses, instanceType, zone, region, shutdown), read whenever it is needed. Without one nothing is done to nodes.',
  ),
  'concurrent-node-syncs': flag('int', 1, 'Number of workers concurrently synchronizing nodes.'),
  'node-monitor-period': flag('duration', 5 * seconds, 'The period for looking at the machines of nodes that are not ready.'),
  'node-status-update-frequency': flag('duration', 300 * seconds, 'How often the addresses of nodes are looked at.'),
  'cluster-cidr': flag('strings', [], 'CIDR ranges for pods in the cluster: routes into these are the route controller’s.'),
  'configure-cloud-routes': flag('bool', true, 'Should the ranges of nodes’ pods be configured on the cloud provider.'),
  'route-reconciliation-period': flag('duration', 10 * seconds, 'The period for reconciling routes created for nodes.'),
  'pod-router': flag(
    'string',
    '',
    'The network namespace (ip netns) that gets a route to the pods of each node; without one none is made.',
  ),
  'load-balancer-cidr': flag(
    'string',
    '',
    'The IPv4 range that Services of type LoadBalancer get addresses of, such as 10.251.0.0/24; without one there is nothing to give.',
  ),
  'load-balancer-router': flag(
    'string',
    '',
    'The network namespace (ip netns) whose routes lead to these addresses, each by one healthy node; without one nothing does.',
  ),
} as const;

/** Upstream's other flags: accepted, without effect here. */
export const ignoredFlags: IgnoredFlags = {
  ...ignoredManagerFlags,
  ...ignoredFlagsOf(
    ['node-sync-period', 'webhook-bind-address', 'webhook-cert-dir', 'webhook-secure-port', 'webhooks'],
    ['allocate-node-cidrs', 'allow-untagged-cloud'],
  ),
};
