// Flags of `drydock up`: topology under short names, networks and timings under upstream's.
import { type counts, defaultConfig, type LabConfig } from '@drydock/lab/config.ts';
import { LabError } from '@drydock/lab/errors.ts';
import { splitWords } from '@drydock/lab/lab-file.ts';
import { timings } from '@drydock/lab/timings.ts';
import type { Command } from 'commander';

type Topology = keyof typeof counts | 'portBase';
const numbers: readonly (readonly [flag: string, field: Topology, usage: string])[] = [
  ['etcd', 'etcd', 'members of the store'],
  ['apiservers', 'apiservers', 'kube-apiservers'],
  ['schedulers', 'schedulers', 'kube-schedulers'],
  ['controller-managers', 'controllerManagers', 'kube-controller-managers'],
  ['workers', 'workers', 'workers, each with containerd, kubelet and kube-proxy'],
  ['dns', 'dns', 'cluster-dns servers'],
  [
    'cloud-controller-managers',
    'cloudControllerManagers',
    'cloud-controller-managers, for Services of type LoadBalancer; none without namespaces and workers',
  ],
  ['port-base', 'portBase', 'first port of a lab on loopback'],
];
const optional = [
  ['ingress', 'ingress controllers, each at every worker’s address'],
  ['metrics', 'metrics servers, for kubectl top: one'],
] as const;
type Text =
  | 'controlPlane'
  | 'network'
  | 'engine'
  | 'fabricCidr'
  | 'serviceCidr'
  | 'clusterCidr'
  | 'loadBalancerCidr'
  | 'profile'
  | 'storage';
const texts: readonly (readonly [flag: string, field: Text, usage: string])[] = [
  ['control-plane', 'controlPlane', 'processes, or static-pods: containers that the kubelets of control-plane nodes run'],
  ['network', 'network', 'netns, or loopback where there is no root or no Linux'],
  ['engine', 'engine', 'containerd, or hollow: pods are simulated'],
  ['storage', 'storage', 'local: each worker makes folders into volumes, in the default class `standard`; or none'],
  ['fabric-cidr', 'fabricCidr', 'addresses of members and workers'],
  ['service-cluster-ip-range', 'serviceCidr', 'addresses of Services'],
  ['cluster-cidr', 'clusterCidr', 'addresses of pods'],
  ['load-balancer-cidr', 'loadBalancerCidr', 'addresses of Services of type LoadBalancer'],
  ['profile', 'profile', 'set of timings: default (upstream’s) or fast'],
];

/** Adds the flags to the command. */
export function addUpFlags(command: Command): Command {
  command.option('--config <lab.yaml>', 'lab file; flags win over it');
  for (const [name, field, usage] of numbers)
    command.option(`--${name} <number>`, `${usage} (default ${defaultConfig[field]})`);
  for (const [name, usage] of optional)
    command.option(`--${name} [number]`, `${usage}; 0: none (default ${defaultConfig[name]} where pods are containers)`);
  for (const [name, field, usage] of texts) command.option(`--${name} <value>`, `${usage} (default ${defaultConfig[field]})`);
  command.option(
    '--use <name=command...>',
    'run another program in the place of one of ours, by program or process name (repeatable)',
  );
  for (const timing of timings)
    command.option(`--${timing.flag} <value>`, `${timing.usage} (default ${timing.default}, fast ${timing.fast})`);
  return command;
}

/** What the flags ask for; only what was given, so that a lab file or an existing lab keeps the rest. */
export function readUpFlags(options: Readonly<Record<string, unknown>>, file: Partial<LabConfig>): Partial<LabConfig> {
  const asked: Record<string, unknown> = {};
  const given = (flag: string) => options[flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
  for (const [flag, field] of numbers) {
    const value = given(flag);
    if (value === undefined) continue;
    if (!/^\d+$/.test(String(value)))
      throw new LabError('config', `--${flag}: expected a whole number, got ${JSON.stringify(value)}`);
    asked[field] = Number(value);
  }
  for (const [name] of optional) {
    const value = given(name);
    if (value === undefined) continue;
    if (value !== true && !/^\d+$/.test(String(value)))
      throw new LabError('config', `--${name}: expected a whole number, got ${JSON.stringify(value)}`);
    asked[name] = value === true ? defaultConfig[name] : Number(value);
  }
  for (const [flag, field] of texts) {
    const value = given(flag);
    if (value === undefined) continue;
    const allowed = choices[field];
    if (allowed !== undefined && !allowed.includes(String(value)))
      throw new LabError('config', `--${flag}: expected ${allowed.join(' or ')}, got ${JSON.stringify(value)}`);
    asked[field] = value;
  }
  const givenTimings = timings
    .filter((timing) => given(timing.flag) !== undefined)
    .map((timing) => [timing.flag, String(given(timing.flag))]);
  if (givenTimings.length > 0 || asked.profile !== undefined)
    asked.timings = { ...file.timings, ...Object.fromEntries(givenTimings) };
  if (Array.isArray(options.use))
    asked.programs = { ...file.programs, ...Object.fromEntries(options.use.map((text) => readUse(String(text)))) };
  return asked as Partial<LabConfig>;
}

const choices: Readonly<Partial<Record<Text, readonly string[]>>> = {
  controlPlane: ['processes', 'static-pods'],
  network: ['netns', 'loopback'],
  engine: ['containerd', 'hollow'],
  profile: ['default', 'fast'],
  storage: ['local', 'none'],
};

function readUse(text: string): [string, string[]] {
  const at = text.indexOf('=');
  const words = splitWords(text.slice(at + 1));
  if (at < 1 || words.length === 0) throw new LabError('config', `--use: expected NAME=COMMAND, got ${JSON.stringify(text)}`);
  return [text.slice(0, at), words];
}
