// One process of the lab as a value: what to run, where, which files it needs first, how to see that it is ready.
import type { ProgramName } from '../config.ts';
import type { LabPaths, Member, Topology } from '../topology.ts';

/** How to see that a process serves. Every probe is a real request; none is a guess by time. */
export type Probe =
  | { readonly kind: 'http'; readonly url: string }
  /** A connection to a unix socket is accepted. */
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export interface ProcessSpec {
  readonly name: string;
  /** `apiserver-lb` and `image-registry` are the lab's own and cannot be replaced. */
  readonly program: ProgramName | 'apiserver-lb' | 'image-registry';
  readonly member: Member;
  /** Absolute program first. Runs inside the member's namespace. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Written before the start: configuration without secrets. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** Written before the start, from certificates of the lab's PKI. */
  readonly kubeconfigs: readonly { readonly path: string; readonly certificate: string; readonly server: string }[];
  readonly folders: readonly string[];
  readonly probe: Probe;
  /** Every TCP port that it listens on at the member's address. */
  readonly ports: readonly number[];
  /** Where a kubelet runs it, and not the lab: the manifest that says so. */
  readonly staticPod?: StaticPodSpec;
  /** What people connect to, for the tables. */
  readonly address: string;
}

export interface StaticPodSpec {
  /** Where the kubelet reads the manifest, and what it is unless the user has changed it. */
  readonly file: string;
  readonly text: string;
  readonly container: string;
  /** The folder of the node's logs of pods, and what the name of this pod's begins with. */
  readonly logs: string;
  readonly pod: string;
}

/** Facts about the machine that the command lines depend on. */
export interface MachineFacts {
  /** The Node that runs our programs. */
  readonly node: string;
  /** Node's own flags for each program of ours (apps/node-flags.txt); `*` holds those for all. */
  readonly nodeFlags: ReadonlyMap<string, readonly string[]>;
  /** Without CAP_SYS_RESOURCE containerd must not lower OOM scores, or every sandbox fails. */
  readonly mayRaiseLimits: boolean;
  readonly cgroupVersion: 1 | 2;
  /** The hierarchy that the lab's own processes are put into; undefined without cgroups. */
  readonly trackingCgroups?: string | undefined;
  /** Name servers that a namespace can reach. */
  readonly nameservers: readonly string[];
}

export interface ProgramContext {
  readonly topology: Topology;
  readonly machine: MachineFacts;
}

export function configFile(paths: LabPaths, name: string): string {
  return `${paths.dir}/config/${name}`;
}

export function pkiFile(paths: LabPaths, name: string): string {
  return `${paths.dir}/pki/${name}`;
}

/** Whether a program of ours runs under this process name: also one that the user starts in another way, as in a debugger. */
export function isOurs(topology: Topology, processName: string, program: ProgramName): boolean {
  const command = replacement(topology, processName, program);
  if (command === undefined) return true;
  const text = command.join(' ');
  return text.includes(`apps/${program}/main.ts`) || text.includes(`drydock run ${program}`);
}

/** Node with its flags for one of our programs. */
export function nodeCommand(machine: MachineFacts, program: ProcessSpec['program']): string[] {
  return [machine.node, ...(machine.nodeFlags.get('*') ?? []), ...(machine.nodeFlags.get(program) ?? [])];
}

/** The command of a process: the user's replacement or ours, then `flags`, then the user's additional ones. */
export function commandLine(
  context: ProgramContext,
  processName: string,
  program: ProgramName,
  flags: readonly string[],
): string[] {
  const { topology } = context;
  const ours = [...nodeCommand(context.machine, program), `${topology.paths.repo}/apps/${program}/main.ts`];
  const extra = [...(topology.config.flags[program] ?? []), ...(topology.config.flags[processName] ?? [])];
  return [...(replacement(topology, processName, program) ?? ours), ...flags, ...extra];
}

function replacement(topology: Topology, processName: string, program: ProgramName): readonly string[] | undefined {
  return topology.config.programs[processName] ?? topology.config.programs[program];
}

/** `[--name, value]` pairs as `--name=value`; undefined leaves the flag out. */
export function toFlags(values: Readonly<Record<string, string | number | boolean | undefined>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
}

/** The flags that components of the control plane share: whom they ask, and where they serve. */
export function componentFlags(kubeconfig: string, address: string, port: number) {
  return {
    kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': address,
    'secure-port': port,
  } as const;
}
