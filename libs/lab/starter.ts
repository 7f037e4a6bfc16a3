// Starts processes, each as soon as what it needs serves, and follows each until it serves itself.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { FolderContent } from '@drydock/pki/folder.ts';
import { renderKubeconfig } from '@drydock/pki/kubeconfig.ts';
import { LabError } from './errors.ts';
import { makePodCgroup, makeSystemCgroup } from './machine/cgroups.ts';
import { tailOf } from './machine/log-file.ts';
import { containerLog, digestOf, manifestStep } from './machine/manifest-files.ts';
import { probeUntilReady } from './machine/probe.ts';
import type { ProcessId } from './machine/proc.ts';
import { findStarted, processEnv, spawnProcess } from './machine/spawn.ts';
import type { ProcessSpec, StaticPodSpec } from './programs/process-spec.ts';
import { podCgroup, systemCgroup } from './programs/worker.ts';
import { startCondition } from './start-order.ts';
import type { Topology } from './topology.ts';

export type StartPhase = 'waiting' | 'starting' | 'ready' | 'failed' | 'interrupted';

/** Told as things happen; never throws. */
export type StartListener = (name: string, phase: StartPhase, detail?: string) => void;

export interface StarterPorts {
  readonly topology: Topology;
  readonly pki: FolderContent;
  /** Folder for Node's compile cache, shared by all processes. */
  readonly compileCache: string;
  /** Members of the store that are started get a disk with the faults of this file; undefined: a good one. */
  readonly diskFaults: string | undefined;
  readonly listener: StartListener;
  /** Called right after a process exists, before anything else may fail. */
  readonly record: (name: string, id: ProcessId) => void;
  /** Digest of the manifest that was last written for a process; and called before one is. */
  readonly manifestOf: (name: string) => string | undefined;
  readonly recordManifest: (name: string, digest: string) => void;
  readonly say: (line: string) => void;
  /** Resolves when the lab's own objects exist. */
  readonly objects: () => Promise<void>;
  /** Fills a worker's image store before its containerd opens it. */
  readonly beforeContainerd: (spec: ProcessSpec) => Promise<void>;
  readonly clock: Clock;
  /** How long a process that lives may take until it serves, in milliseconds. */
  readonly patienceMs: number;
  /** Called for one that does not serve in time; throws where that is a failure. */
  readonly impatient: (spec: ProcessSpec) => void;
  readonly signal: AbortSignal;
}

const logTailLines = 12;

/** Where a process writes what it has to say. */
export function logFile(topology: Topology, { name, staticPod }: Pick<ProcessSpec, 'name' | 'staticPod'>): string {
  const own = `${topology.paths.dir}/log/${name}.log`;
  return staticPod === undefined ? own : (containerLog(staticPod) ?? own);
}

/** Starts `specs`, of `all` processes of the lab. Rejects with the first failure. */
export async function startAll(ports: StarterPorts, specs: readonly ProcessSpec[], all: readonly ProcessSpec[]): Promise<void> {
  const ready = new Map<string, { promise: Promise<void>; resolve: () => void }>();
  for (const spec of all) {
    const deferred = Promise.withResolvers<void>();
    deferred.promise.catch(() => {});
    // What is not started in this call is not waited for: it runs, or the user wants it dead.
    if (!specs.includes(spec)) deferred.resolve();
    ready.set(spec.name, deferred);
  }
  const whenReady = (name: string) => ready.get(name)?.promise ?? Promise.resolve();
  const start = async (spec: ProcessSpec): Promise<void> => {
    const condition = startCondition(spec, all);
    ports.listener(spec.name, 'waiting');
    await abortable(ports.signal, async () => {
      if (condition.any.length > 0) await Promise.any(condition.any.map(whenReady));
      await Promise.all(condition.all.map(whenReady));
      if (condition.objects) await ports.objects();
    });
    await startOne(ports, spec);
    ready.get(spec.name)?.resolve();
  };
  await Promise.all(specs.map(start));
}

/** Starts one process and waits until it serves. Rejects with LabError and the end of its log where it ends first. */
export async function startOne(ports: StarterPorts, spec: ProcessSpec): Promise<void> {
  const { topology } = ports;
  ports.listener(spec.name, 'starting');
  prepare(ports, spec);
  if (spec.staticPod !== undefined) return startPod(ports, spec, spec.staticPod);
  if (spec.program === 'containerd') await ports.beforeContainerd(spec);
  const log = logFile(topology, spec);
  const spawned = spawnProcess({
    argv: spec.argv,
    env: {
      ...processEnv(topology.paths.dir, spec.name, ports.compileCache),
      ...(spec.program === 'etcd' && ports.diskFaults !== undefined ? { DRYDOCK_DISK_FAULTS: ports.diskFaults } : {}),
      ...spec.env,
    },
    netns: spec.member.netns,
    // As on a machine of its own: leases and logs name their holder by its host.
    hostname: spec.member.netns === undefined ? undefined : spec.member.name,
    cgroupProcs: topology.config.network === 'netns' ? makeSystemCgroup(systemCgroup(topology, spec.member)) : undefined,
    logFile: log,
  });
  ports.record(spec.name, spawned);
  const stop = new AbortController();
  const gone = spawned.ended.then((how) => {
    throw new LabError('start-failed', `${spec.name} ended (${how}); the end of ${log}:\n${tailOf(log, logTailLines)}`);
  });
  gone.catch(() => {});
  try {
    const both = AbortSignal.any([ports.signal, stop.signal]);
    const late = ports.clock.sleep(ports.patienceMs, both).then(() => 'late' as const);
    late.catch(() => {});
    const outcome = await Promise.race([gone, late, probeUntilReady(spec.probe, both)]);
    if (outcome === 'late') ports.impatient(spec);
    ports.listener(spec.name, outcome === 'late' ? 'waiting' : 'ready', spec.address);
  } catch (error) {
    ports.listener(spec.name, ports.signal.aborted ? 'interrupted' : 'failed');
    throw error;
  } finally {
    stop.abort();
  }
}

/** Gives the kubelet the manifest, and waits until what it runs serves. A container that ends is begun again, so that is no failure. */
async function startPod(ports: StarterPorts, spec: ProcessSpec, pod: StaticPodSpec): Promise<void> {
  const step = manifestStep(pod, ports.manifestOf(spec.name));
  if (step === 'keep') ports.say(`${pod.file} was changed by somebody: it stays as it is`);
  if (step === 'write') {
    ports.recordManifest(spec.name, digestOf(pod.text));
    writeWhole(pod.file, pod.text, 0o600);
  }
  const stop = new AbortController();
  try {
    const both = AbortSignal.any([ports.signal, stop.signal]);
    const late = ports.clock.sleep(ports.patienceMs, both).then(() => 'late' as const);
    late.catch(() => {});
    const outcome = await Promise.race([late, probeUntilReady(spec.probe, both)]);
    if (outcome === 'late') ports.impatient(spec);
    const id = findStarted(ports.topology.paths.dir).get(spec.name);
    if (id !== undefined) ports.record(spec.name, id);
    ports.listener(spec.name, outcome === 'late' ? 'waiting' : 'ready', spec.address);
  } catch (error) {
    ports.listener(spec.name, ports.signal.aborted ? 'interrupted' : 'failed');
    throw error;
  } finally {
    stop.abort();
  }
}

function prepare(ports: StarterPorts, spec: ProcessSpec): void {
  const { topology, pki } = ports;
  for (const folder of spec.folders) mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const file of spec.files) writeWhole(file.path, file.text, 0o644);
  for (const entry of spec.kubeconfigs) {
    const pair = pki.certificates.get(entry.certificate);
    if (pair === undefined) throw new Error(`no certificate ${entry.certificate}`);
    const user = entry.certificate.replaceAll('/', '-');
    writeWhole(
      entry.path,
      renderKubeconfig({
        cluster: topology.config.name,
        server: entry.server,
        // A TLS server name cannot be an address (RFC 6066), and gRPC would send one: the certificate carries this name too.
        ...(entry.server.startsWith('grpcs:') ? { tlsServerName: 'kubernetes' } : {}),
        authorityPem: authorityOf(pki),
        user,
        ...pair,
      }),
      0o600,
    );
  }
  if (spec.program === 'kubelet' && topology.config.engine === 'containerd') makePodCgroup(podCgroup(topology, spec.member));
}

/** PEM of the authority that vouches for the apiservers, and for who identifies himself to them. */
export function authorityOf(pki: FolderContent): string {
  const pem = pki.authorities.get('ca');
  if (pem === undefined) throw new Error('no authority ca');
  return pem;
}

export function writeWhole(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.tmp`, text, { mode });
  renameSync(`${path}.tmp`, path);
}

/** Like `work()`, but rejects as soon as the signal aborts. */
async function abortable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
