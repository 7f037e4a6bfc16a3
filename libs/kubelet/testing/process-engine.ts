// A hollow engine whose containers have processes: they take their time, end by themselves, heed SIGTERM or do not. What they do
// stands in their pod (`behaviour` in a container's arguments), so that it outlives the kubelet as containerd's containers do.
import type { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { type ContainerConfig, type ContainerDetail, EngineError, type ExecResult } from '../engine/engine.ts';
import { HollowEngine } from '../engine/hollow-engine.ts';
import type { ContainerEntry } from './journal.ts';

/** All optional: a process that runs for ever, and ends at once at SIGTERM. */
export interface Behaviour {
  /** How long it runs by itself; a list: by attempt, the last one from then on. */
  readonly runMs?: number | readonly (number | null)[];
  readonly exitCode?: number;
  /** From SIGTERM to its end; null: it takes no notice. */
  readonly termMs?: number | null;
}

const sigtermExit = 143;
const sigkillExit = 137;

interface Process {
  readonly behaviour: Behaviour;
  readonly attempt: number;
  readonly over: Promise<void>;
  readonly end: () => void;
  isTerminating: boolean;
}

export class ProcessEngine extends HollowEngine {
  readonly #clock: VirtualClock;
  readonly #tell: (entry: ContainerEntry) => void;
  readonly #configs = new Map<string, ContainerConfig>();
  readonly #processes = new Map<string, Process>();
  /** Exit codes of the commands `probe NAME`, 0 where nothing is said. */
  readonly probes = new Map<string, number>();
  /** Until then it answers nothing. */
  isDown = false;

  constructor(clock: VirtualClock, tell: (entry: ContainerEntry) => void) {
    super(clock);
    this.#clock = clock;
    this.#tell = tell;
  }

  override async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const id = await super.createContainer(sandboxId, config);
    this.#configs.set(id, config);
    return id;
  }

  override async startContainer(id: string): Promise<void> {
    const { state, attempt } = await this.container(id);
    if (state !== 'created') throw new EngineError('Other', `container ${id} is ${state}`);
    await super.startContainer(id);
    const behaviour = JSON.parse(this.#configs.get(id)?.args[0] ?? '{}') as Behaviour;
    let end = (): void => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#processes.set(id, { behaviour, attempt, over, end, isTerminating: false });
    this.#note('start', id);
    const { runMs = null } = behaviour;
    const ownMs = typeof runMs === 'object' && runMs !== null ? (runMs[Math.min(attempt, runMs.length - 1)] ?? null) : runMs;
    if (ownMs !== null) this.#clock.timer(ownMs, () => void this.exit(id, behaviour.exitCode ?? 0));
  }

  /** `isWanted`: whether the caller is still there; whose caller is gone, is not killed when the time is up. */
  override async stopContainer(id: string, graceSeconds: number, isWanted: () => boolean = () => true): Promise<void> {
    const process = this.#processes.get(id);
    if (process === undefined) return super.stopContainer(id, graceSeconds);
    if (graceSeconds > 0) {
      this.#note('term', id);
      const { termMs = 0 } = process.behaviour;
      if (!process.isTerminating && termMs !== null) this.#clock.timer(termMs, () => void this.exit(id, sigtermExit));
      process.isTerminating = true;
    }
    const kill = this.#clock.timer(graceSeconds * 1000, () => {
      if (isWanted()) void this.#kill(id);
    });
    await process.over;
    kill.cancel();
  }

  override async removeContainer(id: string): Promise<void> {
    if (this.#processes.has(id)) await this.#kill(id);
    this.#configs.delete(id);
    await super.removeContainer(id);
  }

  /** Commands: `probe NAME`, `hook MS EXITCODE`; others succeed at once. */
  override async execSync(id?: string, command: readonly string[] = []): Promise<ExecResult> {
    const process = this.#processes.get(id ?? '');
    if (process === undefined || id === undefined) throw new EngineError('Other', `container ${id} is not running`);
    const [verb, first = '', second = '0'] = command;
    let exitCode = 0;
    if (verb === 'probe') exitCode = this.probes.get(first) ?? 0;
    if (verb === 'preStop') this.#note('hook', id);
    if (verb === 'hook' || verb === 'preStop') {
      const took = this.#clock.sleep(Number(first)).then(() => Number(second));
      exitCode = await Promise.race([took, process.over.then(() => sigkillExit)]);
    }
    return { exitCode, stdout: new Uint8Array(), stderr: new Uint8Array() };
  }

  /** The process of a container is over by itself. */
  async exit(id: string, exitCode: number): Promise<void> {
    const process = this.#processes.get(id);
    if (process === undefined) return;
    this.#processes.delete(id);
    this.ended(id, exitCode);
    this.#note('end', id, exitCode);
    process.end();
  }

  /** The machine was switched off and on: every process is over and no sandbox ready. */
  async reboot(): Promise<void> {
    for (const id of [...this.#processes.keys()]) await this.exit(id, 255);
    for (const { id } of await this.listSandboxes()) await super.stopSandbox(id);
  }

  async all(): Promise<ContainerDetail[]> {
    return Promise.all((await this.listContainers()).map(({ id }) => this.container(id)));
  }

  /** Whether nothing runs. */
  get isIdle(): boolean {
    return this.#processes.size === 0;
  }

  /** Ids of what runs of a pod. */
  runningOf(uid: string): string[] {
    return [...this.#processes.keys()].filter((id) => this.#configs.get(id)?.labels['io.kubernetes.pod.uid'] === uid);
  }

  nameOf(id: string): string {
    return this.#configs.get(id)?.metadata.name ?? '';
  }

  async #kill(id: string): Promise<void> {
    if (!this.#processes.has(id)) return;
    this.#note('kill', id);
    await this.exit(id, sigkillExit);
  }

  #note(what: ContainerEntry['what'], id: string, exitCode?: number): void {
    const uid = this.#configs.get(id)?.labels['io.kubernetes.pod.uid'] ?? '';
    const entry = { what, uid, name: this.nameOf(id), id, atMs: this.#clock.monotonicMs() };
    this.#tell(exitCode === undefined ? entry : { ...entry, exitCode });
  }
}
