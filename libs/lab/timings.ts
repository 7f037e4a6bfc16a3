// Every timing that decides how fast a cluster notices and reacts, under upstream's own names, with two sets of values.

export type TimedProgram =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-scheduler'
  | 'kube-controller-manager'
  | 'cloud-controller-manager'
  | 'kubelet'
  | 'metrics-server';

/** One timing: a flag of `drydock up`, a key under `timings:` in a lab file. */
export interface Timing {
  /** Upstream's flag, without dashes. kubelet timings are fields of KubeletConfiguration, spelled as a flag. */
  readonly flag: string;
  readonly programs: readonly TimedProgram[];
  /** Duration text, or a whole number where upstream's flag takes one (`unit`). */
  readonly default: string;
  readonly fast: string;
  readonly unit: 'duration' | 'ms' | 's';
  readonly usage: string;
}

/** Programs of which one leads. */
export const electors: readonly TimedProgram[] = ['kube-scheduler', 'kube-controller-manager', 'cloud-controller-manager'];

/**
 * In the order in which a failure passes through them. `default` is upstream's default (Kubernetes 1.36, etcd 3.5; of the metrics server
 * what its manifest says).
 */
export const timings: readonly Timing[] = [
  {
    flag: 'heartbeat-interval',
    programs: ['etcd'],
    default: '100',
    fast: '100',
    unit: 'ms',
    usage: 'how often a leader of the store speaks up',
  },
  {
    flag: 'election-timeout',
    programs: ['etcd'],
    default: '1000',
    fast: '1000',
    unit: 'ms',
    usage: 'silence after which a member of the store campaigns',
  },
  {
    flag: 'leader-elect-lease-duration',
    programs: electors,
    default: '15s',
    fast: '4s',
    unit: 'duration',
    usage: 'silence after which another scheduler or controller-manager takes over',
  },
  {
    flag: 'leader-elect-renew-deadline',
    programs: electors,
    default: '10s',
    fast: '3s',
    unit: 'duration',
    usage: 'how long an active one tries to renew before it stops',
  },
  {
    flag: 'leader-elect-retry-period',
    programs: electors,
    default: '2s',
    fast: '500ms',
    unit: 'duration',
    usage: 'pause between attempts to get or renew the lead',
  },
  {
    flag: 'node-lease-duration-seconds',
    programs: ['kubelet'],
    default: '40',
    fast: '8',
    unit: 's',
    usage: 'validity of a node lease; it is renewed every quarter of it',
  },
  {
    flag: 'node-status-update-frequency',
    programs: ['kubelet'],
    default: '10s',
    fast: '2s',
    unit: 'duration',
    usage: 'how often a kubelet computes its node status',
  },
  {
    flag: 'node-monitor-period',
    programs: ['kube-controller-manager'],
    default: '5s',
    fast: '1s',
    unit: 'duration',
    usage: 'how often node leases are looked at',
  },
  {
    flag: 'node-monitor-grace-period',
    programs: ['kube-controller-manager'],
    default: '50s',
    fast: '8s',
    unit: 'duration',
    usage: 'silence after which a node is marked unknown',
  },
  {
    flag: 'default-not-ready-toleration-seconds',
    programs: ['kube-apiserver'],
    default: '300',
    fast: '5',
    unit: 's',
    usage: 'how long a pod stays on a node that is not ready',
  },
  {
    flag: 'default-unreachable-toleration-seconds',
    programs: ['kube-apiserver'],
    default: '300',
    fast: '5',
    unit: 's',
    usage: 'how long a pod stays on a node that is unreachable',
  },
  {
    flag: 'metric-resolution',
    programs: ['metrics-server'],
    default: '15s',
    fast: '10s',
    unit: 'duration',
    usage: 'how often kubelets are asked what is used, at least 10s',
  },
  {
    flag: 'horizontal-pod-autoscaler-sync-period',
    programs: ['kube-controller-manager'],
    default: '15s',
    fast: '5s',
    unit: 'duration',
    usage: 'how often each autoscaler is looked at',
  },
];

/** Where another value than upstream's default is wanted: flag to value. */
export type TimingValues = Readonly<Record<string, string>>;

/** The value of every timing: what was asked for, else what the profile says. */
export function resolveTimings(profile: 'default' | 'fast', asked: TimingValues): TimingValues {
  return Object.fromEntries(timings.map((timing) => [timing.flag, asked[timing.flag] ?? timing[profile]]));
}

/** The command-line flags of one program that differ from upstream's defaults. */
export function timingFlags(program: TimedProgram, values: TimingValues): string[] {
  return timings
    .filter((timing) => timing.programs.includes(program) && (values[timing.flag] ?? timing.default) !== timing.default)
    .map((timing) => `--${timing.flag}=${values[timing.flag]}`);
}
