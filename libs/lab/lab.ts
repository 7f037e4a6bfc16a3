// A lab as an object: what the command line and the end-to-end tests call. One instance per folder; every call reads the
// recorded state anew, so that several processes may use the same lab.
import { mkdirSync } from 'node:fs';
import { completeConfig, type LabConfig } from './config.ts';
import { type DownReport, takeDown } from './down.ts';
import { LabError } from './errors.ts';
import { findTargets, livingProcesses, signalTarget } from './faults.ts';
import type { LabContext } from './lab-context.ts';
import { machineFacts } from './machine/facts.ts';
import { applyPartitions } from './machine/network.ts';
import { lockLab, readState, writeState } from './machine/state-file.ts';
import { describePartition, type Partition, parsePartition } from './net/partition.ts';
import { processesOf } from './processes.ts';
import type { ProcessSpec } from './programs/process-spec.ts';
import { logFile, type StartListener } from './starter.ts';
import type { LabState } from './state.ts';
import { type LabStatus, statusOf } from './status.ts';
import { planRestore, restoreBeside, snapshotRevision, takeRestored } from './store-restore.ts';
import { type SavedSnapshot, saveSnapshot } from './store-snapshot.ts';
import { layOut, type Topology } from './topology.ts';
import { bringUp, isRunning, type UpResult } from './up.ts';

export interface UpCall {
  readonly listener?: StartListener;
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A lab that exists. */
export interface LabView {
  readonly state: LabState;
  readonly topology: Topology;
  readonly specs: readonly ProcessSpec[];
}

export class Lab {
  readonly name: string;
  readonly context: LabContext;

  constructor(name: string, context: LabContext) {
    this.name = name;
    this.context = context;
  }

  /** The lab as recorded; undefined where there is none. */
  find(): LabView | undefined {
    const state = readState(this.context.paths.dir);
    if (state === undefined) return undefined;
    const topology = layOut(state.config, state.paths);
    return { state, topology, specs: processesOf({ topology, machine: machineFacts() }) };
  }

  /** The lab as recorded. Throws LabError where there is none. */
  view(): LabView {
    const view = this.find();
    if (view === undefined)
      throw new LabError(
        'not-running',
        `there is no lab ${this.name} (${this.context.paths.dir}): start it with \`drydock up\``,
      );
    return view;
  }

  /** Brings the lab up. Without `asked` choices an existing lab keeps its own. */
  async up(asked: Partial<LabConfig>, call: UpCall = {}): Promise<UpResult> {
    const existing = this.find()?.state.config;
    const config = completeConfig({ ...existing, ...withoutUndefined(asked), name: this.name, timings: { ...asked.timings } });
    const keepsTimings = existing !== undefined && asked.profile === undefined && asked.timings === undefined;
    return this.#locked('up', () =>
      this.#start(keepsTimings ? { ...config, timings: existing.timings } : config, undefined, call),
    );
  }

  /** Starts processes (or whole workers) that have ended, and waits until they serve. */
  async start(names: readonly string[], call: UpCall = {}): Promise<UpResult> {
    const { state, specs } = this.view();
    const only = findTargets(specs, names)
      .flatMap((target) => (target.kind === 'process' ? [target.spec] : target.specs))
      .map((spec) => spec.name);
    return this.#locked('start', () => this.#start(state.config, only, call));
  }

  /** Saves the store's content into `file`, from a member that a quorum confirms where there is one. */
  saveSnapshot(file: string): Promise<SavedSnapshot> {
    return saveSnapshot(this.context, this.view().topology, file);
  }

  /**
   * Begins the store anew with the content of a snapshot file, then starts whatever of the lab does not run. What was written
   * after the snapshot is lost; revisions go on beyond all that were used. Schedulers and controller-managers are started anew: what
   * they know of the lost store is stale, and those whose lease ran out with it are about to end by themselves (etcd's and
   * Kubernetes' recovery guides say the same). Throws LabError with nothing changed where the file is not usable, or members of
   * the store run and `force` does not say that they are to be stopped.
   */
  async restoreSnapshot(file: string, force: boolean, call: UpCall = {}): Promise<UpResult> {
    return this.#locked('snapshot restore', async () => {
      const { state, topology, specs } = this.view();
      const members = specs.filter((spec) => spec.program === 'etcd');
      const [first] = members;
      if (first === undefined) throw new LabError('unsupported', 'this lab has no store of its own');
      const running = members.filter((spec) => isRunning(state, spec.name)).map((spec) => spec.name);
      if (running.length > 0 && !force) throw new LabError('conflict', `${running.join(', ')}: ${stopFirst}`);
      const plan = planRestore(await snapshotRevision(topology, first, file), state.restoredRevision ?? 0);
      await restoreBeside(topology, members, file, plan);
      const deciding = specs.filter(({ program }) => program === 'kube-scheduler' || program === 'kube-controller-manager');
      await this.kill([...running, ...deciding.map((spec) => spec.name)]);
      writeState(this.context.paths.dir, { ...state, restoredRevision: plan.revision });
      takeRestored(members);
      return this.#start(state.config, undefined, call);
    });
  }

  /** Sends a signal, SIGKILL by default; returns how many processes it reached. */
  async kill(names: readonly string[], signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const { state, topology, specs } = this.view();
    // All at once, as a power cut does: the signals are sent before anything is waited for.
    const reached = await Promise.all(
      findTargets(specs, names).map((target) => signalTarget(this.context.clock, topology, state, target, signal)),
    );
    return reached.reduce((sum, count) => sum + count, 0);
  }

  /** Stops processes in their tracks (SIGSTOP): connections stay open, nothing answers. */
  pause(names: readonly string[]): Promise<number> {
    return this.kill(names, 'SIGSTOP');
  }

  /** Lets paused processes go on. */
  resume(names: readonly string[]): Promise<number> {
    return this.kill(names, 'SIGCONT');
  }

  /** SIGTERM, wait for the end (SIGKILL after a while), start. */
  async restart(names: readonly string[], call: UpCall = {}): Promise<UpResult> {
    const { state, topology, specs } = this.view();
    const targets = findTargets(specs, names);
    for (const target of targets) await signalTarget(this.context.clock, topology, state, target, 'SIGTERM');
    await this.#waitGone(names);
    await this.kill(names, 'SIGKILL');
    return this.start(names, call);
  }

  /** Cuts the fabric between groups, in addition to what is cut already. Returns the partitions that now hold. */
  async partition(words: readonly string[], oneWay = false): Promise<string[]> {
    return this.#locked('partition', async () => {
      const { state, topology } = this.#networked();
      return this.#setPartitions(state, topology, [...state.partitions, ...parsePartition(topology, words, oneWay)]);
    });
  }

  /** Removes all partitions. */
  async heal(): Promise<void> {
    await this.#locked('heal', async () => {
      const { state, topology } = this.#networked();
      await this.#setPartitions(state, topology, []);
    });
  }

  status(): Promise<LabStatus> {
    const { state, topology, specs } = this.view();
    return statusOf(topology, state, specs);
  }

  /** Removes everything of the lab. Fine where there is nothing. */
  async down(say: (line: string) => void = () => {}): Promise<DownReport> {
    return this.#locked('down', () => takeDown(this.context, this.name, say));
  }

  /** The log file of a process. Throws LabError for an unknown name. */
  logFile(name: string): string {
    const { topology, specs } = this.view();
    const [target] = findTargets(specs, [name]);
    if (target?.kind !== 'process')
      throw new LabError(
        'unknown-name',
        `${name} is a machine: name one of its processes: ${target?.specs.map((spec) => spec.name).join(', ')}`,
      );
    return logFile(topology, target.spec.name);
  }

  get kubeconfig(): string {
    return `${this.context.paths.dir}/admin.kubeconfig`;
  }

  async #start(config: LabConfig, only: readonly string[] | undefined, call: UpCall): Promise<UpResult> {
    return bringUp(this.context, config, {
      listener: call.listener ?? (() => {}),
      say: call.say ?? (() => {}),
      signal: call.signal ?? new AbortController().signal,
      only,
    });
  }

  #networked(): LabView {
    const view = this.view();
    if (view.topology.config.network !== 'netns')
      throw new LabError('unsupported', 'partitions need network namespaces: this lab runs on loopback');
    return view;
  }

  async #setPartitions(state: LabState, topology: Topology, partitions: readonly Partition[]): Promise<string[]> {
    await applyPartitions(topology, partitions);
    writeState(this.context.paths.dir, { ...state, partitions });
    return partitions.map(describePartition);
  }

  async #waitGone(names: readonly string[]): Promise<void> {
    const { state, topology, specs } = this.view();
    const targets = findTargets(specs, names);
    for (let waited = 0; waited < orderlyStopMs; waited += pollMs) {
      if (targets.every((target) => livingProcesses(topology, state, target).length === 0)) return;
      await this.context.clock.sleep(pollMs);
    }
  }

  async #locked<T>(verb: string, work: () => Promise<T>): Promise<T> {
    mkdirSync(this.context.paths.dir, { recursive: true, mode: 0o700 });
    const unlock = lockLab(this.context.paths.dir, verb);
    try {
      return await work();
    } finally {
      unlock();
    }
  }
}

const stopFirst = 'running; what the store holds now will be lost: `drydock kill` them first, or say --force';
const orderlyStopMs = 5_000;
const pollMs = 20;

function withoutUndefined(asked: Partial<LabConfig>): Partial<LabConfig> {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as Partial<LabConfig>;
}
