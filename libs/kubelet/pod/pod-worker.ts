// One pod's worker: observes, plans, acts, reports; one round at a time.
import type { Pod, PodStatus } from '@drydock/api/generated/types.ts';
import { parseTime, type Timer } from '@drydock/foundation/clock.ts';
import { formatDuration } from '@drydock/foundation/duration.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Rejection } from './admission.ts';
import { everyContainerOf, nothingObserved, type PodObservation, podText, uidOf } from './observation.ts';
import { planPod } from './plan-pod.ts';
import { type ActorPorts, backoffKey, PodActor, type PodState } from './pod-actor.ts';
import { graceOf, hashOf } from './pod-runtime.ts';
import { podStatus, type StartProblem, statusOf } from './pod-status.ts';
import { pauseMs } from './retry.ts';
import { ownConditions } from './status-writer.ts';
import { terminationMessage } from './termination-message.ts';

/** A round that failed for reasons outside of the plan is tried again after this, or half as much more. */
const retryMs = 2_000;
/** Volumes and tokens are looked at again at least this often (upstream's sync frequency). */
const resyncMs = 60_000;

export interface WorkerPorts extends ActorPorts {
  readonly log: Log;
  readonly random: RandomStream;
  readonly engineName: string;
  /** Whether this node takes the pod; asked once, before anything of it is made. */
  readonly admit: (pod: Pod) => Rejection | undefined;
  readonly setStatus: (pod: Pod, status: PodStatus) => void;
  /** Resolves when the newest status has been written. */
  readonly statusWritten: (uid: string) => Promise<void>;
  readonly finalDelete: (pod: Pod) => Promise<void>;
  /** Nothing of the pod is left. */
  readonly forget: (uid: string) => void;
}

export class PodWorker {
  readonly #ports: WorkerPorts;
  readonly #actor: PodActor;
  readonly #state: PodState;
  readonly #startTimeMs: number;
  #backedOff = new Map<string, StartProblem>();
  #failure: Rejection | undefined;
  #isAdmitted = false;
  #isRejected = false;
  #dirty = false;
  #running = false;
  #stopped = false;
  #isGone = false;
  #ended = false;
  #timer: Timer | undefined;
  #said: PodStatus | undefined;

  constructor(pod: Pod, ports: WorkerPorts) {
    this.#ports = ports;
    this.#state = { pod, observed: nothingObserved, problems: new Map(), ending: new AbortController() };
    this.#actor = new PodActor(ports, this.#state, () => this.#report(false));
    this.#startTimeMs = ports.clock.wallMs();
  }

  get pod(): Pod {
    return this.#state.pod;
  }

  get observed(): PodObservation {
    return this.#state.observed;
  }

  /** What this worker said of it last; undefined before it has said anything. */
  get phase(): string | undefined {
    return this.#said?.phase;
  }

  /** What was said last is said anew, to who has not heard it: a pod that has ended says nothing more by itself. */
  sayAgain(): void {
    if (this.#said !== undefined && !this.#isGone) this.#ports.setStatus(this.pod, this.#said);
  }

  update(pod: Pod): void {
    const before = this.pod;
    this.#state.pod = pod;
    if (pod.metadata?.deletionTimestamp !== undefined) this.#state.ending.abort();
    if (graceOf(pod) < graceOf(before)) this.#actor.hurry(graceOf(pod));
    if (isNews(before, pod)) this.wake();
  }

  /** The pod is no longer in the apiserver, or its manifest no longer there, though something of it may still run. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** The pod is no longer in the apiserver: ends what runs. */
  gone(): void {
    this.#isGone = true;
    this.#state.ending.abort();
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#ports.prober.keep(uidOf(this.pod), new Set());
  }

  wake(): void {
    this.#dirty = true;
    if (this.#stopped) return;
    if (this.#running) {
      // Probes go on while a pod is being ended, and what they say is news for those who send it traffic.
      if (this.#actor.isKilling) this.#report(false);
      return;
    }
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
        // A start that was given up because the pod is to end is no failure: the next round ends it.
        const givenUp = this.#dirty && this.#state.ending.signal.aborted;
        const error = (err as Error).message;
        if (!givenUp) this.#ports.log.warn({ error, pod: podText(this.pod) }, 'Error syncing pod, skipping');
        nextMs = pauseMs(retryMs, this.#ports.random);
      }
      if (!this.#stopped) this.#timer = this.#ports.clock.timer(nextMs, () => this.wake());
    }
    this.#running = false;
  }

  /** Gives the milliseconds until the next one. */
  async #round(): Promise<number> {
    this.#state.observed = await this.#ports.observe();
    this.#probe();
    const phase = this.pod.status?.phase;
    if (this.#isGone || this.pod.metadata?.deletionTimestamp !== undefined) return this.#terminate();
    if (phase === 'Succeeded' || phase === 'Failed') {
      await this.#actor.killAll();
      await this.#actor.unmount();
      return resyncMs;
    }
    this.#admit();
    this.#checkDeadline();
    return this.#failure === undefined ? this.#sync() : this.#fail();
  }

  /** Once, and only a pod that no kubelet has taken yet may be turned away: what runs goes on running. */
  #admit(): void {
    if (this.#isAdmitted) return;
    this.#isAdmitted = true;
    const rejection = this.#ports.admit(this.pod);
    if (rejection === undefined) return;
    this.#failure = rejection;
    this.#isRejected = true;
    this.#ports.runtime.event(this.pod, 'Warning', rejection.reason, rejection.event ?? rejection.message);
  }

  async #fail(): Promise<number> {
    this.#report(false);
    await this.#actor.killAll();
    this.#state.observed = await this.#ports.observe();
    this.#report(true);
    return resyncMs;
  }

  async #sync(): Promise<number> {
    const { prober, backoff, clock } = this.#ports;
    const now = clock.wallMs();
    const { observed, problems } = this.#state;
    const actions = planPod({
      pod: this.pod,
      observed,
      unhealthy: prober.unhealthy(),
      started: (id) => prober.started(id),
      backoffMs: ({ name }, finishedAtMs) => backoff.remainingMs(backoffKey(this.pod, name), finishedAtMs, now),
      hashOf,
    });
    this.#noteBackoff(actions.backedOff);
    this.#report(false);
    if (await this.#actor.act(actions)) this.#dirty = true;
    // Config maps, secrets and tokens change under running containers.
    else if (observed.containers.some(({ state }) => state === 'running')) await this.#actor.prepareVolumes();
    const deadline = this.#deadlineMs();
    const retry = pauseMs(problems.size > 0 ? retryMs : resyncMs, this.#ports.random);
    return Math.max(50, Math.min(retry, ...actions.backedOff.values(), ...(deadline === undefined ? [] : [deadline])));
  }

  #noteBackoff(backedOff: ReadonlyMap<string, number>): void {
    const before = this.#backedOff;
    this.#backedOff = new Map();
    for (const name of backedOff.keys()) {
      const delay = formatDuration(this.#ports.backoff.delayMs(backoffKey(this.pod, name)));
      const message = `back-off ${delay} restarting failed container=${name} pod=${podText(this.pod)}`;
      this.#backedOff.set(name, { reason: 'CrashLoopBackOff', message });
      const text = `Back-off restarting failed container ${name} in pod ${podText(this.pod)}`;
      if (!before.has(name)) this.#ports.runtime.event(this.pod, 'Warning', 'BackOff', text, name);
    }
  }

  async #terminate(): Promise<number> {
    const uid = uidOf(this.pod);
    await this.#actor.killAll();
    this.#state.observed = await this.#ports.observe();
    if (!this.#isGone) {
      this.#ended = true;
      this.#report(true);
      await this.#ports.statusWritten(uid);
    }
    // Of a pod that the apiserver does not have any more, a log alone would remind nobody.
    if (this.#isGone) await this.#actor.removeLogs();
    await this.#actor.unmount();
    await this.#actor.removeAll();
    if (!this.#isGone) await this.#ports.finalDelete(this.pod);
    this.stop();
    this.#ports.forget(uid);
    return resyncMs;
  }

  #probe(): void {
    const { prober, facts } = this.#ports;
    const running = this.observed.containers.filter(({ state }) => state === 'running');
    prober.keep(uidOf(this.pod), new Set(running.map(({ id }) => id)));
    if (this.pod.metadata?.deletionTimestamp !== undefined) return;
    const ip = this.pod.spec?.hostNetwork === true ? facts.hostIp : (this.observed.ips[0] ?? '');
    for (const each of running) {
      const container = everyContainerOf(this.pod).find(({ name }) => name === each.name);
      const said = statusOf(this.pod, each.name);
      const same = said?.containerID?.endsWith(`://${each.id}`) === true;
      const before = same ? { ready: said.ready, started: said.started === true } : undefined;
      if (container !== undefined) prober.add(this.pod, container, each, ip, before);
    }
  }

  #deadlineMs(): number | undefined {
    const seconds = this.pod.spec?.activeDeadlineSeconds;
    const start = parseTime(this.pod.status?.startTime) ?? this.#startTimeMs;
    return seconds === undefined ? undefined : start + Number(seconds) * 1000 - this.#ports.clock.wallMs();
  }

  #checkDeadline(): void {
    const left = this.#deadlineMs();
    if (left === undefined || left > 0 || this.#failure !== undefined) return;
    this.#failure = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
    this.#ports.runtime.event(this.pod, 'Normal', this.#failure.reason, this.#failure.message);
  }

  #report(finished: boolean): void {
    const { prober, setStatus, engineName, facts, clock } = this.#ports;
    if (this.#isGone) return;
    const status = podStatus({
      pod: this.pod,
      observed: this.observed,
      engineName,
      hostIp: facts.hostIp,
      nowMs: clock.wallMs(),
      startTimeMs: this.#startTimeMs,
      problems: this.#state.problems,
      backedOff: this.#backedOff,
      ready: (id) => prober.ready(id),
      started: (id) => prober.started(id),
      terminationMessage,
      failure: this.#failure,
      rejected: this.#isRejected,
      finished: finished || this.#ended,
    });
    this.#said = status;
    setStatus(this.pod, status);
  }
}

/** Whether there is more than the echo of the kubelet's own status: every such write comes back as an update. */
export function isNews(before: Pod, after: Pod): boolean {
  const parts = (pod: Pod): unknown[] => {
    const { resourceVersion: _, managedFields: __, ...metadata } = pod.metadata ?? {};
    const { phase, conditions, resize } = pod.status ?? {};
    const others = conditions?.filter(({ type }) => !ownConditions.has(type)).map(({ type, status }) => `${type}=${status}`);
    return [metadata, pod.spec, phase === 'Succeeded' || phase === 'Failed', others, resize];
  };
  return JSON.stringify(parts(before)) !== JSON.stringify(parts(after));
}
