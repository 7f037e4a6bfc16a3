// A lab as an object: what the command line and the end-to-end tests call. One instance per folder; every call reads the
// recorded state anew, so that several processes may use the same lab.
import { checkConfig, completeConfig, type LabConfig } from './config.ts';
import { type DownReport, endStrays, takeDown } from './down.ts';
import { LabError } from './errors.ts';
import { findTargets, livingProcesses, namesOf, signalTarget, type Target } from './faults.ts';
import type { LabContext } from './lab-context.ts';
import { machineFacts } from './machine/facts.ts';
import { noteSignal } from './machine/last-words.ts';
import { hasManifest, putAside, putBack } from './machine/manifest-files.ts';
import { applyPartitions } from './machine/network.ts';
import { findStarted } from './machine/spawn.ts';
import { lockLab, readState, writeState } from './machine/state-file.ts';
import { describePartition, type Partition, parsePartition } from './net/partition.ts';
import { refuseOlderCertificates } from './older-lab.ts';
import { describeElsewhere, type LabRecord } from './owner.ts';
import { claim, ownershipOrThrow } from './ownership.ts';
import { processesOf } from './processes.ts';
import type { ProcessSpec } from './programs/process-spec.ts';
import { logFile, type StartListener } from './starter.ts';
import type { LabState, RecordedProcess } from './state.ts';
import { type LabStatus, statusOf } from './status.ts';
import { planRestore, restoreBeside, snapshotRevision, takeRestored } from './store-restore.ts';
import { type SavedSnapshot, saveSnapshot } from './store-snapshot.ts';
import { electors } from './timings.ts';
import { layOut, type Topology } from './topology.ts';
import { bringUp, checkMachine, checkPrograms, isPaused, isRunning, type UpResult } from './up.ts';

export interface UpCall {
  readonly listener?: StartListener;
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** What a process has written. */
export interface LogFile {
  readonly name: string;
  readonly file: string;
  /** A container's, each line of which begins with its time. */
  readonly isCri: boolean;
}

/** A lab that exists. */
export interface LabView {
  readonly record: LabRecord;
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

  /** The lab as recorded; undefined where there is none. Throws LabError where the folder is not this lab's. */
  find(): LabView | undefined {
    const owned = ownershipOrThrow(this.context, this.name);
    if (owned.kind === 'none' || !owned.marked) return undefined;
    const state = readState(owned.record.dir);
    if (state === undefined) return undefined;
    if (state.paths.dir !== owned.record.dir)
      throw new LabError('conflict', `${owned.record.dir} has the state of a lab in ${state.paths.dir}`);
    const topology = layOut(state.config, state.paths);
    const specs = processesOf({ topology, machine: machineFacts() });
    return { record: owned.record, state: withContainers(state, specs), topology, specs };
  }

  /** The lab as recorded. Throws LabError where there is none, with where one of that name is. */
  view(): LabView {
    const view = this.find();
    if (view !== undefined) return view;
    const owned = ownershipOrThrow(this.context, this.name);
    const elsewhere = owned.kind === 'none' ? owned.elsewhere : [];
    throw new LabError('not-running', describeElsewhere(this.name, this.context.paths.dir, elsewhere));
  }

  /**
   * Brings the lab up. Without `asked` choices an existing lab keeps its own, a new one gets free ranges and ports. A new lab that
   * could not start anything leaves nothing.
   */
  async up(asked: Partial<LabConfig>, call: UpCall = {}): Promise<UpResult> {
    const given = withoutUndefined(asked);
    this.#checkAsked(given);
    const isNew = await this.#prepare(given, call);
    const { record, state } = this.view();
    const { config: existing } = state;
    const config = completeConfig({ ...existing, ...given, name: this.name, timings: { ...asked.timings } });
    const keepsTimings = asked.profile === undefined && asked.timings === undefined;
    try {
      return await this.#locked('up', record, () =>
        this.#start(record, keepsTimings ? { ...config, timings: existing.timings } : config, undefined, call),
      );
    } catch (error) {
      if (isNew && Object.keys(this.view().state.processes).length === 0) await this.down();
      throw error;
    }
  }

  /** Before anything is made or recorded: what can be no lab, and programs that are not there. */
  #checkAsked(asked: Partial<LabConfig>): void {
    const problems = checkConfig(completeConfig({ ...this.find()?.state.config, ...asked, name: this.name }));
    if (problems.length > 0)
      throw new LabError('config', problems.map((problem) => `${problem.field}: ${problem.message}`).join('\n'));
    checkPrograms(asked.programs ?? {});
  }

  /** Makes a lab where there is none; returns whether it did. What is left of one whose folder was removed goes first. */
  async #prepare(asked: Partial<LabConfig>, call: UpCall): Promise<boolean> {
    const say = call.say ?? (() => {});
    const owned = ownershipOrThrow(this.context, this.name);
    if (owned.kind === 'own' && owned.marked) return false;
    if (owned.kind === 'own') {
      say(`the folder of lab ${this.name} was removed while it ran: what is left of it goes first`);
      await takeDown(this.context, owned.record, false, say);
    } else await endStrays(this.context, this.context.paths.dir);
    await checkMachine(layOut(completeConfig({ ...asked, name: this.name }), this.context.paths), false, { say });
    await claim(this.context, this.name, asked);
    return true;
  }

  /** Starts processes (or whole workers) that have ended, and waits until they serve. */
  async start(names: readonly string[], call: UpCall = {}): Promise<UpResult> {
    const { record } = this.view();
    return this.#locked('start', record, () => this.#startNamed(names, call));
  }

  async #startNamed(names: readonly string[], call: UpCall): Promise<UpResult> {
    const { record, state, specs } = this.view();
    const only = namesOf(findTargets(specs, names));
    return this.#start(record, state.config, only, call);
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
    return this.#locked('snapshot restore', this.view().record, async () => {
      const { record, state, topology, specs } = this.view();
      const members = specs.filter((spec) => spec.program === 'etcd');
      const [first] = members;
      if (first === undefined) throw new LabError('unsupported', 'this lab has no store of its own');
      const running = members.filter((spec) => isRunning(state, spec.name)).map((spec) => spec.name);
      if (running.length > 0 && !force) throw new LabError('conflict', `${running.join(', ')}: ${stopFirst}`);
      refuseOlderCertificates(topology, runningIn(state));
      const plan = planRestore(await snapshotRevision(topology, first, file), state.restoredRevision ?? 0);
      await restoreBeside(topology, members, file, plan);
      const deciding = specs.filter(({ program }) => electors.some((name) => name === program));
      const inPods = [...members, ...deciding].flatMap(({ staticPod }) => staticPod ?? []);
      await this.#putAside([...members, ...deciding]);
      await this.kill([...running, ...deciding.map((spec) => spec.name)]);
      writeState(record.dir, { ...state, restoredRevision: plan.revision });
      takeRestored(members);
      for (const pod of inPods) putBack(pod);
      return this.#start(record, state.config, undefined, call);
    });
  }

  /** Takes away the manifests of these, and waits until their kubelets have ended them: without one nothing is begun again. */
  async #putAside(specs: readonly ProcessSpec[]): Promise<void> {
    const again = this.begunAgain(specs.map((spec) => spec.name));
    const { state, topology } = this.view();
    for (const { staticPod } of specs) if (staticPod !== undefined) putAside(staticPod);
    await this.#waitGone({ state, topology, targets: findTargets(specs, again) }, podStopMs);
  }

  /** Sends a signal, SIGKILL by default; returns the names of those of the targets' processes that it reached. */
  async kill(names: readonly string[], signal: NodeJS.Signals = 'SIGKILL'): Promise<string[]> {
    const { state, topology, specs } = this.view();
    const targets = findTargets(specs, names);
    const living = namesOf(targets).filter((name) => isRunning(state, name));
    noteSignal(topology, state, living, signal, this.context.clock.wallMs());
    // All at once, as a power cut does: the signals are sent before anything is waited for.
    await Promise.all(targets.map((target) => signalTarget(this.context.clock, topology, state, target, signal)));
    return living;
  }

  /** Stops processes in their tracks (SIGSTOP): connections stay open, nothing answers. */
  pause(names: readonly string[]): Promise<string[]> {
    return this.kill(names, 'SIGSTOP');
  }

  /** Lets paused processes go on; returns the names of those that were paused. */
  async resume(names: readonly string[]): Promise<string[]> {
    const { state, specs } = this.view();
    const reached = namesOf(findTargets(specs, names)).filter((name) => isPaused(state, name));
    await this.kill(names, 'SIGCONT');
    return reached;
  }

  /** SIGTERM, wait for the end (SIGKILL after a while), start. Nothing is stopped where what follows cannot be recorded. */
  async restart(names: readonly string[], call: UpCall = {}): Promise<UpResult> {
    return this.#locked('restart', this.view().record, async () => {
      const { state, topology, specs } = this.view();
      const targets = findTargets(specs, names);
      refuseOlderCertificates(topology, runningIn(state));
      writeState(state.paths.dir, state);
      for (const target of targets) await signalTarget(this.context.clock, topology, state, target, 'SIGTERM');
      await this.#waitGone({ state, topology, targets });
      // Those that were there: what a kubelet has begun again meanwhile goes on.
      for (const target of targets) await signalTarget(this.context.clock, topology, state, target, 'SIGKILL');
      return this.#startNamed(names, call);
    });
  }

  /** Cuts the fabric between groups, in addition to what is cut already. Returns the partitions that now hold. */
  async partition(words: readonly string[], oneWay = false): Promise<string[]> {
    return this.#locked('partition', this.view().record, async () => {
      const { state, topology } = this.#networked();
      return this.#setPartitions(state, topology, [...state.partitions, ...parsePartition(topology, words, oneWay)]);
    });
  }

  /** Removes all partitions. */
  async heal(): Promise<void> {
    await this.#locked('heal', this.view().record, async () => {
      const { state, topology } = this.#networked();
      await this.#setPartitions(state, topology, []);
    });
  }

  status(): Promise<LabStatus> {
    const { state, topology, specs } = this.view();
    return statusOf(topology, state, specs, this.context.clock.wallMs());
  }

  /**
   * Removes everything of the lab, and nothing else. Fine where there is nothing. Throws LabError where the folder is not this lab's,
   * or where the name is that of a lab in another folder.
   */
  async down(say: (line: string) => void = () => {}): Promise<DownReport> {
    const owned = ownershipOrThrow(this.context, this.name);
    const { dir } = this.context.paths;
    if (owned.kind === 'none') {
      if (owned.elsewhere.length > 0) throw new LabError('conflict', describeElsewhere(this.name, dir, owned.elsewhere));
      return { processes: await endStrays(this.context, dir), mounts: 0, kept: [] };
    }
    const work = () => takeDown(this.context, owned.record, owned.marked, say);
    return owned.marked ? this.#exclusively('down', dir, work) : work();
  }

  /** The log files of a process, of all processes of a node, or of `all`. Throws LabError for an unknown name. */
  logFiles(name: string): LogFile[] {
    const { topology, specs } = this.view();
    const names = namesOf(findTargets(specs, [name]));
    return specs
      .filter((spec) => names.includes(spec.name))
      .map((spec) => ({ name: spec.name, file: logFile(topology, spec), isCri: spec.staticPod !== undefined }));
  }

  /** Of these names those that a kubelet, which still runs, begins again. */
  begunAgain(names: readonly string[]): string[] {
    const { state, specs } = this.view();
    const kubelets = specs.filter((spec) => spec.program === 'kubelet' && isRunning(state, spec.name));
    return specs
      .filter((spec) => names.includes(spec.name) && spec.staticPod !== undefined && hasManifest(spec.staticPod))
      .filter((spec) => kubelets.some(({ member }) => member === spec.member))
      .map(({ name }) => name);
  }

  /** Whether there is a lab, or what is left of one. Throws LabError where the folder is not this lab's. */
  get exists(): boolean {
    return ownershipOrThrow(this.context, this.name).kind === 'own';
  }

  get kubeconfig(): string {
    return `${this.context.paths.dir}/admin.kubeconfig`;
  }

  async #start(record: LabRecord, config: LabConfig, only: readonly string[] | undefined, call: UpCall): Promise<UpResult> {
    return bringUp(this.context, record, config, {
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

  /** Recorded before it holds: a command that dies in between leaves a cut that `heal` removes and `up` makes, never a hidden one. */
  async #setPartitions(state: LabState, topology: Topology, partitions: readonly Partition[]): Promise<string[]> {
    writeState(state.paths.dir, { ...state, partitions });
    try {
      await applyPartitions(topology, partitions);
    } catch (error) {
      writeState(state.paths.dir, state);
      throw error;
    }
    return partitions.map(describePartition);
  }

  async #waitGone(
    { state, topology, targets }: Pick<LabView, 'state' | 'topology'> & { targets: readonly Target[] },
    patienceMs = orderlyStopMs,
  ): Promise<void> {
    for (let waited = 0; waited < patienceMs; waited += pollMs) {
      if (targets.every((target) => livingProcesses(topology, state, target).length === 0)) return;
      await this.context.clock.sleep(pollMs);
    }
  }

  /** For verbs that start something: from the checkout whose programs the lab runs. */
  async #locked<T>(verb: string, record: LabRecord, work: () => Promise<T>): Promise<T> {
    const { repo } = this.context.paths;
    if (record.repo !== repo)
      throw new LabError('conflict', `lab ${record.name} runs the programs of ${record.repo}: use ${record.repo}/drydock`);
    return this.#exclusively(verb, record.dir, work);
  }

  async #exclusively<T>(verb: string, dir: string, work: () => Promise<T>): Promise<T> {
    const unlock = lockLab(dir, verb);
    try {
      return await work();
    } finally {
      unlock();
    }
  }
}

const stopFirst = 'running; what the store holds now will be lost: `drydock kill` them first, or say --force';
const orderlyStopMs = 5_000;
/** A kubelet gives a static pod 30 s to end. */
const podStopMs = 35_000;
const pollMs = 20;

function runningIn(state: LabState): string[] {
  return Object.keys(state.processes).filter((name) => isRunning(state, name));
}

/** A kubelet begins containers again without telling: what runs now is found by its mark. */
function withContainers(state: LabState, specs: readonly ProcessSpec[]): LabState {
  const inPods = specs.filter((spec) => spec.staticPod !== undefined);
  if (inPods.length === 0) return state;
  const found = findStarted(state.paths.dir);
  const now = inPods.flatMap(({ name }): [string, RecordedProcess][] => {
    const id = found.get(name);
    return id === undefined ? [] : [[name, { ...id, startedAtMs: state.processes[name]?.startedAtMs ?? 0 }]];
  });
  return { ...state, processes: { ...state.processes, ...Object.fromEntries(now) } };
}

function withoutUndefined(asked: Partial<LabConfig>): Partial<LabConfig> {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as Partial<LabConfig>;
}
