// One pod's worker: observes, plans, acts, reports; one round at a time.
import { rmSync } from 'node:fs';
import type { Container, Pod } from '@drydock/api/generated/types.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import { formatDuration } from '@drydock/foundation/duration.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Cgroups } from '../container/cgroups.ts';
import type { NodeFacts } from '../container/downward.ts';
import { logFolder, type SandboxSettings, sandboxConfig } from '../container/sandbox-config.ts';
import type { ContainerDetail, ContainerEngine } from '../engine/engine.ts';
import type { Prober } from '../probes/prober.ts';
import type { ReferenceCache } from '../volumes/references.ts';
import type { TokenCache } from '../volumes/tokens.ts';
import type { Volumes } from '../volumes/volumes.ts';
import type { BackoffTable } from './backoff.ts';
import { containersOf, initContainersOf, latest, nothingObserved, type PodObservation, podText, uidOf } from './observation.ts';
import { type PodActions, planPod } from './plan-pod.ts';
import { graceOf, hashOf, type PodRuntime, StartError } from './pod-runtime.ts';
import { podStatus, type StartProblem } from './pod-status.ts';
import type { StatusWriter } from './status-writer.ts';
import { terminationMessage } from './termination-message.ts';

/** A round that failed for reasons outside of the plan is tried again after this. */
const retryMs = 2_000;
/** Volumes and tokens are looked at again at least this often (upstream's sync frequency). */
const resyncMs = 60_000;

export interface WorkerPorts {
  readonly engine: ContainerEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly runtime: PodRuntime;
  readonly prober: Prober;
  readonly backoff: BackoffTable;
  readonly volumes: Volumes;
  readonly references: ReferenceCache;
  readonly tokens: TokenCache;
  readonly cgroups: Cgroups | undefined;
  readonly statuses: StatusWriter;
  readonly engineName: string;
  readonly facts: Omit<NodeFacts, 'podIps'>;
  readonly settings: Omit<SandboxSettings, 'cgroupParent'>;
  readonly observe: () => Promise<PodObservation>;
  readonly finalDelete: (pod: Pod) => Promise<void>;
  readonly forget: () => void;
}

export class PodWorker {
  pod: Pod;
  observed: PodObservation = nothingObserved;
  readonly #ports: WorkerPorts;
  readonly #startTimeMs: number;
  readonly #problems = new Map<string, StartProblem>();
  #backedOff = new Map<string, StartProblem>();
  #failure: { reason: string; message: string } | undefined;
  #dirty = false;
  #running = false;
  #stopped = false;
  #isGone = false;
  #ended = false;
  #timer: Timer | undefined;
  #killing: Promise<void> | undefined;
  readonly #ending = new AbortController();

  constructor(pod: Pod, ports: WorkerPorts) {
    this.pod = pod;
    this.#ports = ports;
    this.#startTimeMs = ports.clock.wallMs();
  }

  update(pod: Pod): void {
    const shorter = this.#killing !== undefined && graceOf(pod) < graceOf(this.pod);
    this.pod = pod;
    if (pod.metadata?.deletionTimestamp !== undefined) this.#ending.abort();
    if (shorter)
      for (const each of this.observed.containers)
        if (each.state === 'running') void this.#ports.engine.stopContainer(each.id, graceOf(pod)).catch(() => {});
    this.wake();
  }

  /** The pod is no longer in the apiserver: ends what runs. */
  gone(): void {
    this.#isGone = true;
    this.#ending.abort();
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#ports.prober.keep(uidOf(this.pod), new Set());
  }

  wake(): void {
    this.#dirty = true;
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      this.#timer?.cancel();
      let nextMs = resyncMs;
      try {
        nextMs = await this.#round();
      } catch (err) {
        this.#ports.log.warn({ error: (err as Error).message, pod: podText(this.pod) }, 'Error syncing pod, skipping');
        nextMs = retryMs;
      }
      if (!this.#stopped) this.#timer = this.#ports.clock.timer(nextMs, () => this.wake());
    }
    this.#running = false;
  }

  /** Gives the milliseconds until the next one. */
  async #round(): Promise<number> {
    this.observed = await this.#ports.observe();
    this.#probe();
    const phase = this.pod.status?.phase;
    if (this.#isGone || this.pod.metadata?.deletionTimestamp !== undefined) return this.#terminate();
    if (phase === 'Succeeded' || phase === 'Failed') {
      await this.#killAll();
      await this.#unmount();
      return resyncMs;
    }
    this.#checkDeadline();
    if (this.#failure !== undefined) {
      this.#report(false);
      await this.#killAll();
      this.observed = await this.#ports.observe();
      this.#report(true);
      return resyncMs;
    }
    const { prober, backoff, clock } = this.#ports;
    const now = clock.wallMs();
    const actions = planPod({
      pod: this.pod,
      observed: this.observed,
      unhealthy: prober.unhealthy(),
      started: (id) => prober.started(id),
      backoffMs: (container, finishedAtMs) => backoff.remainingMs(this.#key(container), finishedAtMs, now),
      hashOf,
    });
    this.#noteBackoff(actions);
    this.#report(false);
    if (await this.#act(actions)) this.#dirty = true;
    else if (this.observed.containers.some(({ state }) => state === 'running')) {
      // Config maps, secrets and tokens change under running containers.
      await this.#ports.references.follow(this.pod);
      await this.#prepareVolumes();
    }
    const waits = [...actions.backedOff.values()];
    const deadline = this.#deadlineMs();
    const retry = this.#problems.size > 0 ? retryMs : resyncMs;
    return Math.max(50, Math.min(retry, ...waits, ...(deadline === undefined ? [] : [deadline])));
  }

  #key(container: Container): string {
    return `${uidOf(this.pod)}/${container.name}`;
  }

  #noteBackoff(actions: PodActions): void {
    const before = this.#backedOff;
    this.#backedOff = new Map();
    for (const name of actions.backedOff.keys()) {
      const delay = formatDuration(this.#ports.backoff.delayMs(`${uidOf(this.pod)}/${name}`));
      const message = `back-off ${delay} restarting failed container=${name} pod=${podText(this.pod)}`;
      this.#backedOff.set(name, { reason: 'CrashLoopBackOff', message });
      if (!before.has(name))
        this.#ports.runtime.event(
          this.pod,
          'Warning',
          'BackOff',
          `Back-off restarting failed container ${name} in pod ${podText(this.pod)}`,
          name,
        );
    }
  }

  /** True where something was done, so that another look is due. */
  async #act(actions: PodActions): Promise<boolean> {
    const { runtime } = this.#ports;
    if (actions.killPod) {
      const busy =
        this.observed.containers.some(({ state }) => state === 'running') || this.observed.sandboxes.some(({ ready }) => ready);
      if (actions.createSandbox !== undefined && busy)
        runtime.event(this.pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
      await this.#killAll();
      if (actions.createSandbox === undefined) return busy;
    }
    await Promise.all(
      actions.kill.map(({ id, name, message }) =>
        runtime.kill(
          this.pod,
          this.#container(name),
          id,
          message,
          Number(this.#container(name)?.livenessProbe?.terminationGracePeriodSeconds ?? graceOf(this.pod)),
          this.observed.ips[0] ?? '',
        ),
      ),
    );
    if (actions.createSandbox === undefined && actions.start.length === 0) return actions.kill.length > 0;
    const cgroupParent = this.#ports.cgroups?.prepare(this.pod) ?? '';
    await this.#ports.references.follow(this.pod);
    const volumes = await this.#prepareVolumes();
    const settings = { ...this.#ports.settings, cgroupParent };
    const config = sandboxConfig(this.pod, actions.createSandbox ?? this.observed.sandboxes[0]?.attempt ?? 0, settings);
    let sandboxId = actions.sandboxId;
    if (actions.createSandbox !== undefined) {
      try {
        sandboxId = await this.#ports.engine.runSandbox(config);
      } catch (error) {
        runtime.event(
          this.pod,
          'Warning',
          'FailedCreatePodSandBox',
          `Failed to create pod sandbox: ${(error as Error).message}`,
        );
        throw error;
      }
      this.observed = await this.#ports.observe();
      this.#report(false);
    }
    if (sandboxId === undefined) return false;
    const sandbox = sandboxId;
    const results = [];
    for (const name of actions.start) results.push(await this.#start(name, sandbox, config, volumes));
    return actions.kill.length > 0 || results.includes(true);
  }

  async #start(
    name: string,
    sandboxId: string,
    config: ReturnType<typeof sandboxConfig>,
    volumes: ReadonlyMap<string, string>,
  ): Promise<boolean> {
    const container = this.#container(name);
    if (container === undefined) return false;
    const { backoff, clock, runtime } = this.#ports;
    const last = latest(this.observed, name);
    if (last?.state === 'exited') backoff.next(this.#key(container), last.finishedAtMs, clock.wallMs());
    const known = [...(this.pod.status?.containerStatuses ?? []), ...(this.pod.status?.initContainerStatuses ?? [])].find(
      (each) => each.name === name,
    );
    const attempt =
      last !== undefined ? last.attempt + 1 : known?.containerID !== undefined ? (known.restartCount ?? 0) + 1 : 0;
    try {
      await runtime.start(this.pod, container, attempt, sandboxId, config, this.#facts(), volumes, this.#ending.signal);
      this.#problems.delete(name);
      await this.#prune(name);
      return true;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#problems.set(name, { reason: error.reason, message: error.message });
      this.#report(false);
      return false;
    }
  }

  /** Keeps one dead container per name, for its logs and lastState (upstream's maxPerPodContainer). */
  async #prune(name: string): Promise<void> {
    const dead = this.observed.containers.filter((each) => each.name === name && each.state !== 'running').slice(1);
    for (const each of dead) {
      await this.#ports.engine.removeContainer(each.id);
      if (each.logPath !== '') rmSync(each.logPath, { force: true });
    }
  }

  async #prepareVolumes(): Promise<Map<string, string>> {
    const { tokens, volumes, references, runtime } = this.#ports;
    try {
      const token = await tokens.prepare(this.pod);
      return await volumes.prepare({ pod: this.pod, references, facts: this.#facts(), token }, () => undefined);
    } catch (error) {
      runtime.event(this.pod, 'Warning', 'FailedMount', (error as Error).message);
      throw error;
    }
  }

  async #terminate(): Promise<number> {
    await this.#killAll();
    this.observed = await this.#ports.observe();
    if (!this.#isGone) {
      this.#ended = true;
      this.#report(true);
      await this.#ports.statuses.flushed(uidOf(this.pod));
    }
    await this.#unmount();
    for (const each of this.observed.containers) await this.#ports.engine.removeContainer(each.id);
    for (const each of this.observed.sandboxes) await this.#ports.engine.removeSandbox(each.id);
    rmSync(logFolder(this.pod, this.#ports.settings.podLogsDir), { recursive: true, force: true });
    if (!this.#isGone) await this.#ports.finalDelete(this.pod);
    const uid = uidOf(this.pod);
    this.#ports.backoff.forget(`${uid}/`);
    this.#ports.statuses.forget(uid);
    this.stop();
    this.#ports.forget();
    return resyncMs;
  }

  async #unmount(): Promise<void> {
    const uid = uidOf(this.pod);
    this.#ports.references.release(uid);
    this.#ports.tokens.forget(uid);
    await this.#ports.volumes.remove(uid);
    this.#ports.cgroups?.remove(this.pod);
  }

  /** Ends all containers, sidecars last and in reverse, then the sandboxes. */
  async #killAll(): Promise<void> {
    const { runtime, engine, prober } = this.#ports;
    const kill = async (each: ContainerDetail): Promise<void> => {
      await runtime.kill(
        this.pod,
        this.#container(each.name),
        each.id,
        `Stopping container ${each.name}`,
        graceOf(this.pod),
        this.observed.ips[0] ?? '',
      );
    };
    const running = this.observed.containers.filter(({ state }) => state === 'running');
    const sidecars = new Set(
      initContainersOf(this.pod)
        .filter(({ restartPolicy }) => restartPolicy === 'Always')
        .map(({ name }) => name),
    );
    this.#killing = (async () => {
      await Promise.all(running.filter(({ name }) => !sidecars.has(name)).map(kill));
      for (const each of running.filter(({ name }) => sidecars.has(name))) await kill(each);
      for (const sandbox of this.observed.sandboxes) if (sandbox.ready) await engine.stopSandbox(sandbox.id);
    })();
    try {
      await this.#killing;
    } finally {
      this.#killing = undefined;
    }
    prober.keep(uidOf(this.pod), new Set());
  }

  #probe(): void {
    const running = this.observed.containers.filter(({ state }) => state === 'running');
    this.#ports.prober.keep(uidOf(this.pod), new Set(running.map(({ id }) => id)));
    if (this.pod.metadata?.deletionTimestamp !== undefined) return;
    const ip = this.pod.spec?.hostNetwork === true ? this.#ports.facts.hostIp : (this.observed.ips[0] ?? '');
    for (const each of running) {
      const container = this.#container(each.name);
      if (container !== undefined) this.#ports.prober.add(this.pod, container, each, ip);
    }
  }

  #deadlineMs(): number | undefined {
    const seconds = this.pod.spec?.activeDeadlineSeconds;
    const start = Date.parse(this.pod.status?.startTime ?? '');
    return seconds === undefined || Number.isNaN(start)
      ? undefined
      : start + Number(seconds) * 1000 - this.#ports.clock.wallMs();
  }

  #checkDeadline(): void {
    const left = this.#deadlineMs();
    if (left === undefined || left > 0) return;
    this.#failure = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
  }

  #report(finished: boolean): void {
    const { prober, statuses, engineName, facts, clock } = this.#ports;
    if (this.#isGone) return;
    const status = podStatus({
      pod: this.pod,
      observed: this.observed,
      engineName,
      hostIp: facts.hostIp,
      nowMs: clock.wallMs(),
      startTimeMs: this.#startTimeMs,
      problems: this.#problems,
      backedOff: this.#backedOff,
      ready: (id) => prober.ready(id),
      started: (id) => prober.started(id),
      terminationMessage,
      failure: this.#failure,
      finished: finished || this.#ended,
    });
    statuses.set(this.pod, status);
  }

  #facts(): NodeFacts {
    const { facts } = this.#ports;
    return { ...facts, podIps: this.pod.spec?.hostNetwork === true ? [facts.hostIp] : this.observed.ips };
  }

  #container(name: string): Container | undefined {
    return [...containersOf(this.pod), ...initContainersOf(this.pod)].find((each) => each.name === name);
  }
}
