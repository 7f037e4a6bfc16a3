// The flags that the controller managers share: upstream's names and defaults.
import { componentFlags, ignoredComponentFlags, ignoredFlagsOf } from '@drydock/client/component-flags.ts';
import { flag } from '@drydock/foundation/flags.ts';

/** @param name the program's, which is also that of its Lease. */
export function managerFlags(name: string, securePort: number) {
  return {
    kubeconfig: flag('string', '', 'Path to kubeconfig file with authorization and master location information.'),
    controllers: flag(
      'strings',
      ['*'],
      "A list of controllers to enable. '*' enables all on-by-default controllers, 'foo' enables the controller named 'foo', '-foo' disables the controller named 'foo'.",
    ),
    'use-service-account-credentials': flag(
      'bool',
      false,
      'If true, use individual service account credentials for each controller.',
    ),
    'kube-api-qps': flag('float', 20, 'QPS to use while talking with kubernetes apiserver.'),
    'kube-api-burst': flag('int', 30, 'Burst to use while talking with kubernetes apiserver.'),
    ...componentFlags(name, securePort),
  } as const;
}

/** Those of upstream's flags that have no effect in either. */
export const ignoredManagerFlags = {
  ...ignoredComponentFlags,
  ...ignoredFlagsOf(
    [
      'cidr-allocator-type',
      'cluster-name',
      'concurrent-service-syncs',
      'controller-shutdown-timeout',
      'controller-start-interval',
      'external-cloud-volume-plugin',
      'leader-migration-config',
      'min-resync-period',
    ],
    ['enable-leader-migration'],
  ),
};
