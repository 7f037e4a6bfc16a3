// What a lab is made of: the user's choices, with defaults, checked. Flags and lab files end up here.
import { parseDuration } from '@drydock/foundation/duration.ts';
import { nameProblem } from './names.ts';
import { overlaps, parseCidr } from './net/cidr.ts';
import { resolveTimings, type TimingValues, timings } from './timings.ts';

export const programNames = [
  'etcd',
  'kube-apiserver',
  'kube-scheduler',
  'kube-controller-manager',
  'kubelet',
  'kube-proxy',
  'cluster-dns',
  'ingress-controller',
  'cloud-controller-manager',
  'metrics-server',
  'csi-local',
  'containerd',
] as const;
export type ProgramName = (typeof programNames)[number];

export interface LabConfig {
  /** Part of namespace, link and folder names, hence short. */
  readonly name: string;
  readonly etcd: number;
  readonly apiservers: number;
  readonly schedulers: number;
  readonly controllerManagers: number;
  /**
   * `processes`: each of the above has a member of its own. `static-pods`: each control-plane node has one of each, in containers that
   * its kubelet runs from manifests.
   */
  readonly controlPlane: 'processes' | 'static-pods';
  readonly workers: number;
  readonly dns: number;
  /** Ingress controllers; each serves at every worker's address. */
  readonly ingress: number;
  /** They give Services of type LoadBalancer their addresses. */
  readonly cloudControllerManagers: number;
  /** Metrics servers: one, or none. */
  readonly metrics: number;
  /** `local`: every worker has a driver that makes folders of its own into volumes, and claims that name no class get such. */
  readonly storage: 'local' | 'none';
  /** `netns`: every member has a network namespace. `loopback`: all on 127.0.0.1, for machines without root or Linux. */
  readonly network: 'netns' | 'loopback';
  /** `hollow`: pods are simulated inside the kubelet. */
  readonly engine: 'containerd' | 'hollow';
  readonly fabricCidr: string;
  readonly serviceCidr: string;
  readonly clusterCidr: string;
  /** What load balancers get their addresses of. */
  readonly loadBalancerCidr: string;
  /** loopback only: the first of the ports. */
  readonly portBase: number;
  readonly profile: 'default' | 'fast';
  readonly timings: TimingValues;
  /** Programs that run in the place of ours: by program (`etcd`) or by process (`etcd-2`), a command each. */
  readonly programs: Readonly<Record<string, readonly string[]>>;
  /** Flags added to a program's command line, by program or by process. */
  readonly flags: Readonly<Record<string, readonly string[]>>;
}

/** A choice that cannot be; `field` is the lab file's name for it. */
export interface ConfigProblem {
  readonly field: string;
  readonly message: string;
}

export const defaultConfig: LabConfig = {
  name: 'lab',
  etcd: 3,
  apiservers: 2,
  schedulers: 2,
  controllerManagers: 2,
  controlPlane: 'processes',
  workers: 3,
  dns: 1,
  ingress: 2,
  cloudControllerManagers: 1,
  metrics: 1,
  storage: 'local',
  network: 'netns',
  engine: 'containerd',
  fabricCidr: '10.250.0.0/24',
  serviceCidr: '10.96.0.0/16',
  clusterCidr: '10.244.0.0/16',
  loadBalancerCidr: '10.251.0.0/24',
  portBase: 16443,
  profile: 'default',
  timings: resolveTimings('default', {}),
  programs: {},
  flags: {},
};

/** Least and most of each kind of member; the addresses of the fabric are laid out for these. */
export const counts = {
  etcd: [1, 9],
  apiservers: [1, 9],
  schedulers: [0, 9],
  controllerManagers: [0, 9],
  workers: [0, 99],
  dns: [0, 1],
  ingress: [0, 9],
  cloudControllerManagers: [0, 5],
  metrics: [0, 1],
} as const satisfies Partial<Record<keyof LabConfig, readonly [number, number]>>;

/** How many ports a lab on loopback may use, from its first. */
export const portsNeeded = 500;

/** A lab's choices: defaults, overridden by `asked`, the timings by profile. */
export function completeConfig(asked: Partial<LabConfig>): LabConfig {
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as Partial<LabConfig>;
  const plain = { ...defaultConfig, ...(given.controlPlane === 'static-pods' ? oneOfEach : {}), ...given };
  // Where there is nothing that an Ingress or a load balancer could lead to, to measure or to keep, there is nobody for it unless asked for.
  const unless = (field: 'ingress' | 'cloudControllerManagers' | 'metrics', possible: boolean) =>
    given[field] ?? (possible ? defaultConfig[field] : 0);
  const merged = {
    ...plain,
    ingress: unless('ingress', hasContainers(plain)),
    cloudControllerManagers: unless('cloudControllerManagers', loadBalancersPossible(plain)),
    metrics: unless('metrics', hasContainers(plain)),
    storage: given.storage ?? (hasContainers(plain) ? defaultConfig.storage : ('none' as const)),
  };
  return { ...merged, timings: resolveTimings(merged.profile, given.timings ?? {}) };
}

/** A control plane of static pods has one node unless more are asked for. */
const oneOfEach = { etcd: 1, apiservers: 1, schedulers: 1, controllerManagers: 1 } as const;

/** Whether a lab has workers with containers, which requests can be sent to and which use something. */
function hasContainers({ network, engine, workers }: Pick<LabConfig, 'network' | 'engine' | 'workers'>): boolean {
  return network === 'netns' && engine === 'containerd' && workers > 0;
}

/** Whether a lab has a network that addresses could lead into. */
function loadBalancersPossible({ network, workers }: Pick<LabConfig, 'network' | 'workers'>): boolean {
  return network === 'netns' && workers > 0;
}

/** Everything that is wrong with a configuration; empty where it can be built. */
export function checkConfig(config: LabConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (field: string, message: string) => problems.push({ field, message });
  const badName = nameProblem(config.name);
  if (badName !== undefined) add('name', badName);
  for (const [field, [least, most]] of Object.entries(counts) as [keyof typeof counts, readonly [number, number]][]) {
    const count = config[field];
    if (!Number.isInteger(count) || count < least || count > most)
      add(field, `expected a whole number from ${least} to ${most}, got ${count}`);
  }
  checkCidrs(config, add);
  if (config.controlPlane === 'static-pods') checkStaticPods(config, add);
  const known = commandNames(config);
  for (const field of ['programs', 'flags'] as const)
    for (const name of Object.keys(config[field]))
      if (!known.includes(name)) add(`${field}.${name}`, `unknown program or process (one of: ${known.join(', ')})`);
  if (!Number.isInteger(config.portBase) || config.portBase < 1024 || config.portBase > 65535 - portsNeeded) {
    add('portBase', `expected a port from 1024 to ${65535 - portsNeeded}, got ${config.portBase}`);
  }
  if (config.network === 'loopback' && config.engine === 'containerd' && config.workers > 0) {
    add('engine', 'containers need a network namespace per worker: with network loopback the engine must be hollow');
  }
  if (config.ingress > 0 && !hasContainers(config))
    add('ingress', 'Ingresses lead to containers: they need network netns, engine containerd and a worker');
  if (config.storage === 'local' && !hasContainers(config))
    add('storage', 'volumes are for containers: they need network netns, engine containerd and a worker');
  if (config.cloudControllerManagers > 0 && !loadBalancersPossible(config))
    add('cloudControllerManagers', 'load balancers lead to nodes: they need network netns and a worker');
  if (config.metrics > 0 && !hasContainers(config))
    add('metrics', 'containers are what is measured: that needs network netns, engine containerd and a worker');
  for (const timing of timings) {
    const text = config.timings[timing.flag] ?? timing.default;
    const valid =
      timing.unit === 'duration'
        ? (parseDuration(text) ?? 0) > 0
        : /^\d+$/.test(text) && Number(text) >= (timing.unit === 'ms' ? 1 : 0);
    if (!valid)
      add(
        `timings.${timing.flag}`,
        `expected ${timing.unit === 'duration' ? 'a duration such as 500ms, 10s or 1m30s' : 'a whole number'}, got ${JSON.stringify(text)}`,
      );
  }
  return problems;
}

const staticPrograms = ['etcd', 'kube-apiserver', 'kube-scheduler', 'kube-controller-manager'] as const;

function checkStaticPods(config: LabConfig, add: (field: string, message: string) => void): void {
  if (config.network !== 'netns' || config.engine !== 'containerd')
    add('controlPlane', 'static pods are containers of a node: they need network netns and engine containerd');
  const { etcd, apiservers, schedulers, controllerManagers } = config;
  if (new Set([etcd, apiservers, schedulers, controllerManagers]).size > 1)
    add(
      'controlPlane',
      'a control-plane node runs one of each: etcd, apiservers, schedulers and controllerManagers must be equal',
    );
  for (const name of Object.keys(config.programs))
    if (staticPrograms.some((program) => name === program) || /^(?:etcd|apiserver|scheduler|controller-manager)-\d$/.test(name))
      add(`programs.${name}`, 'runs in a container of the image that has our programs: nothing else can take its place there');
}

/** What another command or more flags may be given to: programs, and processes of this lab. */
function commandNames(config: LabConfig): string[] {
  const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);
  const { etcd, apiservers, schedulers, controllerManagers, dns, ingress, cloudControllerManagers, metrics, workers } = config;
  const nodePrograms = ['containerd-', 'kubelet-', 'kube-proxy-'];
  return [
    ...programNames,
    ...numbered('etcd-', etcd),
    ...numbered('apiserver-', apiservers),
    ...numbered('scheduler-', schedulers),
    ...numbered('controller-manager-', controllerManagers),
    ...numbered('dns-', dns),
    ...numbered('ingress-', ingress),
    ...numbered('cloud-controller-manager-', cloudControllerManagers),
    ...numbered('metrics-', metrics),
    ...nodePrograms.flatMap((prefix) => numbered(`${prefix}cp`, config.controlPlane === 'static-pods' ? apiservers : 0)),
    ...nodePrograms.flatMap((prefix) => numbered(`${prefix}w`, workers)),
    ...numbered('csi-local-w', workers),
  ];
}

function checkCidrs(config: LabConfig, add: (field: string, message: string) => void): void {
  const ranges = [
    ['fabricCidr', config.fabricCidr, 24],
    ['serviceCidr', config.serviceCidr, 24],
    ['clusterCidr', config.clusterCidr, 16],
    // The first and the last address of a range are not given out. Where nobody gives any out the range is of no concern.
    ...(config.cloudControllerManagers > 0 ? [['loadBalancerCidr', config.loadBalancerCidr, 30] as const] : []),
  ] as const;
  for (const [field, text, longest] of ranges) {
    const range = parseCidr(text);
    if (range === undefined) add(field, `expected an IPv4 range such as 10.250.0.0/24, got ${JSON.stringify(text)}`);
    else if (range.bits > longest) add(field, `expected a range of at least /${longest}, got ${text}`);
    else if (field === 'clusterCidr' && range.bits !== 16) add(field, `expected a /16 range, got ${text}`);
  }
  for (const [i, [field, text]] of ranges.entries()) {
    for (const [, other] of ranges.slice(0, i)) {
      const [a, b] = [parseCidr(text), parseCidr(other)];
      if (a !== undefined && b !== undefined && overlaps(a, b)) add(field, `${text} overlaps with ${other}`);
    }
  }
}
