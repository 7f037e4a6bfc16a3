// Brings a lab up, from nothing or from whatever is left of it.
import { ensureFolder, type FolderContent, PkiError } from '@drydock/pki/folder.ts';
import { renderKubeconfig } from '@drydock/pki/kubeconfig.ts';
import { administratorObjects, cloudObjects, dnsObjects, dnsRoleObjects, ingressObjects, nodeObjects } from './bootstrap.ts';
import { authoritiesOf } from './certificates.ts';
import { createObjects, waitForNodes } from './cluster-setup.ts';
import { checkConfig, type LabConfig } from './config.ts';
import { LabError } from './errors.ts';
import { prepareImages } from './images/provision.ts';
import type { LabContext } from './lab-context.ts';
import { processesIn } from './machine/cgroups.ts';
import { findProgram, hostAbilities, machineFacts } from './machine/facts.ts';
import { freeBytes, makeFolder } from './machine/folders.ts';
import { letThrough, neededForwardChain } from './machine/host-forward.ts';
import { tailOf } from './machine/log-file.ts';
import { clearAsReboot } from './machine/mounts.ts';
import { applyPartitions, createNetwork, networkIsUp, rebootNamespace, takenRanges } from './machine/network.ts';
import { ensurePackages } from './machine/packages.ts';
import { type ProcessId, viewRecorded } from './machine/proc.ts';
import { hostThingsOf } from './machine/registry.ts';
import { findStarted } from './machine/spawn.ts';
import { readState, writeState } from './machine/state-file.ts';
import { metricsObjects, metricsRoleObjects } from './metrics-objects.ts';
import { overlaps, parseCidr } from './net/cidr.ts';
import type { Partition } from './net/partition.ts';
import { refuseOlderCertificates, removeSuperseded } from './older-lab.ts';
import type { LabRecord } from './owner.ts';
import { claimHost, firstTaken } from './ownership.ts';
import { processesOf } from './processes.ts';
import { longSocket } from './programs/csi-local.ts';
import type { ProcessSpec } from './programs/process-spec.ts';
import { balancerServer } from './programs/servers.ts';
import { podCgroup, systemCgroup, workerFolders } from './programs/worker.ts';
import { requirementsOf } from './requirements.ts';
import { startCondition } from './start-order.ts';
import { authorityOf, logFile, type StarterPorts, type StartListener, startAll, writeWhole } from './starter.ts';
import type { LabState, RecordedProcess } from './state.ts';
import { storageObjects } from './storage-objects.ts';
import { isNode, layOut, type Member, nodesOf, routedRanges, type Topology } from './topology.ts';

export interface UpOptions {
  readonly listener: StartListener;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Start only these processes and wait for them; undefined: everything, until all nodes are Ready. */
  readonly only: readonly string[] | undefined;
}

export interface UpResult {
  /** Names that were started in this call. */
  readonly started: readonly string[];
  readonly alreadyRunning: readonly string[];
  /** Started and alive, but they do not serve yet, as for want of an apiserver. Only `start` leaves such. */
  readonly notServing: readonly string[];
}

/** A cold start on a slow machine stays below this. */
const upPatienceMs = 120_000;
/** `start` may be asked for what cannot serve alone. */
const startPatienceMs = 15_000;

/** The least that must be free where the store writes: its log and the database are preallocated. */
const leastFreeBytes = 512 * 1024 * 1024;

/**
 * Brings `config` up, a lab that `record` says is this command's and that has a state. The caller holds the lock. Rejects with
 * LabError; what was started stays and is recorded.
 */
export async function bringUp(
  context: LabContext,
  record: LabRecord,
  config: LabConfig,
  options: UpOptions,
): Promise<UpResult> {
  const problems = checkConfig(config);
  if (problems.length > 0)
    throw new LabError('config', problems.map((problem) => `${problem.field}: ${problem.message}`).join('\n'));
  const before = readState(record.dir);
  if (before === undefined) throw new LabError('not-running', `${record.dir} has no state: \`drydock down\` removes the lab`);
  const topology = layOut(config, before.paths);
  refuseOtherLab(before, config);
  await checkMachine(
    topology,
    Object.keys(before.processes).some((name) => isRunning(before, name)),
    options,
  );

  let state: LabState = before;
  const save = (change: Partial<LabState>) => {
    state = { ...state, ...change };
    writeState(record.dir, state);
  };
  refuseOtherSettings(before, topology);
  refuseOlderCertificates(
    topology,
    Object.keys(before.processes).filter((name) => isRunning(before, name)),
  );
  refusePaused(before, options.only);
  makeFolder(topology.paths.run, 0o700);
  save({ config, processes: { ...state.processes, ...adoptStarted(context, state) } });

  const specs = processesOf({ topology, machine: machineFacts() });
  if (context.diskFaults !== undefined && specs.some((spec) => spec.program === 'etcd' && spec.staticPod !== undefined))
    throw new LabError(
      'unsupported',
      'DRYDOCK_DISK_FAULTS: the store of this lab runs in containers, which have no such disks',
    );
  const running = new Set(specs.filter((spec) => isRunning(state, spec.name)).map((spec) => spec.name));
  const wanted = specs.filter((spec) => options.only === undefined || options.only.includes(spec.name));
  const toStart = wanted.filter((spec) => !running.has(spec.name));
  const tooLong = longSocket(topology);
  if (tooLong !== undefined) throw new LabError('config', tooLong);
  checkPrograms(Object.fromEntries(toStart.map((spec) => [spec.name, spec.argv])));
  if (config.network === 'loopback') await checkPorts(toStart);
  const images = prepareImages(context, topology, machineFacts(), options.signal);
  images.catch(() => {});
  const [pki] = await Promise.all([ensurePki(context, topology), ensureNetwork(context, record, topology, state.partitions)]);
  writeAdminKubeconfig(topology, pki);
  await cleanDeadWorkers(topology, toStart);

  const slow: string[] = [];
  const apiStop = new AbortController();
  const signal = AbortSignal.any([options.signal, apiStop.signal]);
  const needsObjects = options.only === undefined || toStart.some((spec) => startCondition(spec, specs).objects);
  let objects: { nodes: Promise<void>; services: Promise<void> } | undefined;
  const ports: StarterPorts = {
    topology,
    pki,
    compileCache: context.compileCache,
    diskFaults: context.diskFaults,
    listener: options.listener,
    record: (name: string, id: ProcessId) =>
      save({
        processes: {
          ...state.processes,
          [name]: { pid: id.pid, startTime: id.startTime, startedAtMs: context.clock.wallMs() },
        },
      }),
    manifestOf: (name: string) => state.manifests?.[name],
    recordManifest: (name: string, digest: string) => save({ manifests: { ...state.manifests, [name]: digest } }),
    say: options.say,
    objects: () => {
      objects ??= makeObjects(topology, authorityOf(pki), options.only !== undefined, signal);
      return objects.nodes;
    },
    beforeContainerd: (spec: ProcessSpec) => images.then((provision) => provision(workerFolders(topology, spec.member).root)),
    clock: context.clock,
    patienceMs: options.only === undefined ? upPatienceMs : startPatienceMs,
    impatient: (spec: ProcessSpec) => {
      if (options.only !== undefined) slow.push(spec.name);
      else
        throw new LabError(
          'start-failed',
          `${spec.name} runs but does not serve after ${upPatienceMs / 1000} s; the end of its log:\n${tailOf(logFile(topology, spec), 12)}`,
        );
    },
    signal,
  };
  try {
    await startAll(ports, toStart, specs);
    if (needsObjects) await ports.objects();
    if (options.only === undefined && nodesOf(topology).length > 0) {
      await waitForNodes(topology, (worker) => kubeletStart(state, specs, worker), options.listener, signal);
    }
    await objects?.services;
  } finally {
    apiStop.abort(new LabError('interrupted', 'stopped'));
  }
  return { started: toStart.map((spec) => spec.name), alreadyRunning: [...running], notServing: slow };
}

/** Kubelets wait for their nodes; the Service of the DNS waits for its namespace, and nothing for it. */
function makeObjects(
  topology: Topology,
  authorityPem: string,
  once: boolean,
  signal: AbortSignal,
): { nodes: Promise<void>; services: Promise<void> } {
  const nodes = createObjects(
    topology,
    [
      ...administratorObjects(),
      ...nodeObjects(topology),
      ...dnsRoleObjects(topology),
      ...ingressObjects(topology),
      ...storageObjects(topology),
      ...cloudObjects(topology),
      ...metricsRoleObjects(topology),
    ],
    once,
    signal,
  );
  const services = createObjects(topology, [...dnsObjects(topology), ...metricsObjects(topology, authorityPem)], once, signal);
  services.catch(() => {});
  return { nodes, services };
}

/** When the kubelet of a worker was started: what its node said before that is not of this kubelet. */
function kubeletStart(state: LabState, specs: readonly ProcessSpec[], worker: string): number {
  const spec = specs.find((candidate) => candidate.program === 'kubelet' && candidate.member.name === worker);
  return state.processes[spec?.name ?? '']?.startedAtMs ?? 0;
}

/** Throws LabError with the port where another program has one that a process of ours is about to listen on. */
async function checkPorts(toStart: readonly ProcessSpec[]): Promise<void> {
  const busy = await firstTaken(toStart);
  if (busy !== undefined)
    throw new LabError('conflict', `${busy} by something that is not of this lab: end it, or \`drydock down\` and \`up\` anew`);
}

/** For kubectl and everything else outside: through the balancer. */
function writeAdminKubeconfig(topology: Topology, pki: FolderContent): void {
  const pair = pki.certificates.get('admin');
  if (pair === undefined) throw new Error('no certificate admin');
  const source = {
    cluster: topology.config.name,
    server: balancerServer(topology),
    authorityPem: authorityOf(pki),
    user: 'admin',
    ...pair,
  };
  writeWhole(`${topology.paths.dir}/admin.kubeconfig`, renderKubeconfig(source), 0o600);
}

/** What a command that died before it could record it has started. */
function adoptStarted(context: LabContext, state: LabState): Record<string, RecordedProcess> {
  const missing = [...findStarted(state.paths.dir)].filter(([name]) => !isRunning(state, name));
  return Object.fromEntries(missing.map(([name, id]) => [name, { ...id, startedAtMs: context.clock.wallMs() }]));
}

/** Whether the recorded process of that name still runs (or is paused). */
export function isRunning(state: LabState, name: string): boolean {
  const recorded = state.processes[name];
  return recorded !== undefined && viewRecorded(recorded) !== undefined;
}

/** Whether the recorded process of that name stands still by SIGSTOP. */
export function isPaused(state: LabState, name: string): boolean {
  const recorded = state.processes[name];
  return recorded !== undefined && viewRecorded(recorded)?.state === 'stopped';
}

function refuseOtherLab(before: LabState, config: LabConfig): void {
  const fixed = [
    'etcd',
    'apiservers',
    'schedulers',
    'controllerManagers',
    'controlPlane',
    'workers',
    'dns',
    'ingress',
    'metrics',
    'storage',
    'cloudControllerManagers',
    'network',
    'engine',
    'fabricCidr',
    'serviceCidr',
    'clusterCidr',
    'loadBalancerCidr',
    'portBase',
  ] as const;
  for (const field of fixed) {
    if (before.config[field] !== config[field]) {
      throw new LabError(
        'conflict',
        `lab ${config.name} exists with ${field} ${before.config[field]}, asked for was ${config[field]}: \`drydock down\` first, or choose another --name`,
      );
    }
  }
}

/** What runs keeps the command line and the files it began with: other ones are refused, not recorded and forgotten. */
function refuseOtherSettings(before: LabState, topology: Topology): void {
  const machine = machineFacts();
  const next = new Map(processesOf({ topology, machine }).map((spec) => [spec.name, settingsOf(spec)]));
  const now = processesOf({ topology: layOut(before.config, before.paths), machine });
  const other = now.filter((spec) => isRunning(before, spec.name) && next.get(spec.name) !== settingsOf(spec));
  if (other.length > 0)
    throw new LabError(
      'conflict',
      `${other.map((spec) => spec.name).join(', ')}: running, with other settings than these: \`drydock kill --all\` first, then \`drydock up\` with the new ones (what is stored stays)`,
    );
}

function settingsOf({ argv, env, files }: ProcessSpec): string {
  return JSON.stringify([argv, env, files]);
}

function refusePaused(state: LabState, only: readonly string[] | undefined): void {
  const names = Object.keys(state.processes).filter((name) => only === undefined || only.includes(name));
  const paused = names.filter((name) => isPaused(state, name));
  if (paused.length > 0)
    throw new LabError('conflict', `${paused.join(', ')}: paused; \`drydock resume ${paused.join(' ')}\` lets them go on`);
}

/** Throws LabError where a command's program is not on this machine. */
export function checkPrograms(commands: Readonly<Record<string, readonly string[]>>): void {
  for (const [name, [program = '']] of Object.entries(commands))
    if (findProgram(program) === undefined) throw new LabError('config', `${name}: no such program: ${program}`);
}

/** Throws LabError where the machine cannot run such a lab; what it lacks is installed where that is possible. */
export async function checkMachine(topology: Topology, running: boolean, options: Pick<UpOptions, 'say'>): Promise<void> {
  const { config, paths } = topology;
  if (config.network === 'netns') {
    const { isLinux, isRoot } = hostAbilities();
    const alternative = '`drydock up --network=loopback --engine=hollow` gives a cluster with simulated pods';
    if (!isLinux) throw new LabError('unsupported', `network namespaces need Linux; ${alternative}`);
    if (!isRoot) throw new LabError('unsupported', `network namespaces and containers need root; ${alternative}`);
  }
  await ensurePackages(requirementsOf(config), options.say);
  const free = freeBytes(paths.dir);
  if (free >= leastFreeBytes) return;
  const room = `${paths.dir}: ${Math.floor(free / 2 ** 20)} MiB free, at least ${leastFreeBytes / 2 ** 20} MiB are needed`;
  if (!running) throw new LabError('conflict', `${room}; free some or choose another folder with --dir`);
  options.say(`${room}: the store will refuse writes when its disk is full`);
}

async function ensurePki(context: LabContext, topology: Topology) {
  try {
    const content = await ensureFolder(
      {
        folder: `${topology.paths.dir}/pki`,
        authorities: authoritiesOf(topology),
      },
      context.clock.wallMs(),
      context.random.stream('pki'),
    );
    removeSuperseded(topology);
    return content;
  } catch (error) {
    if (error instanceof PkiError)
      throw new LabError('conflict', `${error.message}; \`drydock down\` removes the lab with its certificates`);
    throw error;
  }
}

async function ensureNetwork(
  context: LabContext,
  record: LabRecord,
  topology: Topology,
  partitions: readonly Partition[],
): Promise<void> {
  if (topology.config.network !== 'netns') return;
  const isUp = networkIsUp(topology);
  // Docker may have come since the lab was made, or gone.
  if (!isUp || (await neededForwardChain()) !== record.host?.forward) {
    const { host = hostThingsOf(topology) } = await claimHost(context, record, topology.config);
    if (isUp) await letThrough(host);
    else {
      await refuseTakenRanges(topology);
      await createNetwork(topology, host);
    }
  }
  // Again too: a command that died may have recorded what it did not come to do.
  await applyPartitions(topology, partitions);
}

/** Other routes may have come since the lab was given its ranges. */
async function refuseTakenRanges(topology: Topology): Promise<void> {
  const taken = await takenRanges(topology.fabric.hostLink);
  for (const text of routedRanges(topology)) {
    const range = parseCidr(text);
    const other = taken.find((entry) => range !== undefined && overlaps(entry.range, range));
    if (other !== undefined)
      throw new LabError(
        'conflict',
        `${text} of this lab is in use (${other.by}): \`drydock down\`, and \`up\` finds free ranges`,
      );
  }
}

/**
 * A worker of which nothing lives any more has crashed as a machine: what a reboot would clear (mounts, sockets, pod links,
 * rules, address leases) is cleared before it starts. With one survivor the rest is left to adopt it.
 */
async function cleanDeadWorkers(topology: Topology, toStart: readonly ProcessSpec[]): Promise<void> {
  if (topology.config.network !== 'netns') return;
  const members = new Set(toStart.filter((spec) => isNode(spec.member)).map((spec) => spec.member));
  await Promise.all([...members].filter((member) => isDeadMachine(topology, member)).map((member) => reboot(topology, member)));
}

/** Whether no process of the worker, of its containers' shims or its containers is left. */
export function isDeadMachine(topology: Topology, member: Member): boolean {
  return processesIn(systemCgroup(topology, member)).length === 0 && processesIn(podCgroup(topology, member)).length === 0;
}

async function reboot(topology: Topology, member: Member): Promise<void> {
  const folders = workerFolders(topology, member);
  await clearAsReboot(folders.dir, folders.state);
  if (member.netns !== undefined) await rebootNamespace(topology, member.netns);
}
