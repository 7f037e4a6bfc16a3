// The flags of kube-scheduler: upstream's names and defaults.
import { componentFlags, type IgnoredFlags, ignoredComponentFlags, ignoredFlagsOf } from '@drydock/client/component-flags.ts';
import { flag } from '@drydock/foundation/flags.ts';

export const flags = {
  kubeconfig: flag('string', '', 'Path to kubeconfig file with authorization and master location information.'),
  config: flag('string', '', 'The path to the configuration file (KubeSchedulerConfiguration).'),
  'kube-api-qps': flag('float', 50, 'QPS to use while talking with kubernetes apiserver. Ignored if --config is given.'),
  'kube-api-burst': flag('int', 100, 'Burst to use while talking with kubernetes apiserver. Ignored if --config is given.'),
  ...componentFlags('kube-scheduler', 10259),
} as const;

/** Upstream's other flags: accepted, without effect here. */
export const ignoredFlags: IgnoredFlags = {
  ...ignoredComponentFlags,
  ...ignoredFlagsOf(['pod-max-in-unschedulable-pods-duration', 'write-config-to'], ['unsupported-kube-api-over-localhost']),
};
