// The pods of this node: one worker per pod, woken by the apiserver, the engine, probes and back-offs (pkg/kubelet, pod workers).
import type { Pod } from '@drydock/api/generated/types.ts';
import { pods, runtimeClasses } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Informer } from '@drydock/client/informer.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { ContainerDetail, ContainerEngine, ContainerSummary, Sandbox } from '../engine/engine.ts';
import type { Mirrors } from '../static/mirrors.ts';
import { fullName, isStatic, mirrored, ofApi } from '../static/static-pod.ts';
import type { StaticPods } from '../static/static-pods.ts';
import type { Rejection } from './admission.ts';
import { admitInOrder } from './admission-order.ts';
import { Gate } from './gate.ts';
import { removeLogs } from './log-folders.ts';
import { nothingObserved, type PodObservation, podKey, uidOf } from './observation.ts';
import { PodWorker, type WorkerPorts } from './pod-worker.ts';
import type { StatusWriter } from './status-writer.ts';

/** Upstream's relist period: the CRI of containerd 1.6 has no event stream. */
export const relistPeriodMs = 1_000;

/** As many sandboxes are made at once; each takes the engine several processes and a network plugin. */
const sandboxesAtOnceMax = 8;

type MadeHere =
  | 'observe'
  | 'finalDelete'
  | 'forget'
  | 'admit'
  | 'setStatus'
  | 'statusWritten'
  | 'sandboxGate'
  | 'runtimeHandler';

export interface ManagerPorts extends Omit<WorkerPorts, MadeHere> {
  readonly client: ApiClient;
  readonly informer: Informer<Pod>;
  readonly engine: ContainerEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly statuses: StatusWriter;
  readonly staticPods: StaticPods;
  readonly mirrors: Mirrors;
  /** Whether the node has room for the pod beside `others`. */
  readonly admit: (pod: Pod, others: readonly Pod[]) => Rejection | undefined;
}

export class PodManager {
  readonly #ports: ManagerPorts;
  readonly #workers = new Map<string, PodWorker>();
  readonly #exited = new Map<string, ContainerDetail>();
  readonly #prints = new Map<string, string>();
  readonly #removing = new Set<string>();
  /** By uid, of those that were not taken before; undefined: this node takes it. */
  readonly #verdicts = new Map<string, Rejection | undefined>();
  /** Uids of pods of which the engine had something when it was first asked; before that nobody is admitted. */
  #begun: ReadonlySet<string> = new Set();
  readonly #firstRelist = Promise.withResolvers<void>();
  readonly #sandboxGate = new Gate(sandboxesAtOnceMax);
  #relistTimer: Timer | undefined;
  #stopped = false;
  /** The pods of the API server have workers. */
  #following = false;
  /** Pods of manifests that wait until nothing is left of another one by their name. */
  readonly #waiting = new Map<string, Pod>();
  #lastRelistMs = Number.NEGATIVE_INFINITY;
  #lastLoopMs = Number.NEGATIVE_INFINITY;
  /** Why folders or cgroups of pods could not be listed last time; undefined where they could. */
  #hostProblem: string | undefined;
  /** Why the engine does not answer; undefined where it does. */
  engineProblem: string | undefined;

  constructor(ports: ManagerPorts) {
    this.#ports = ports;
  }

  /** Begins with what needs no API server: what the engine has, and the pods of manifests. */
  start(): void {
    const { staticPods, mirrors } = this.#ports;
    staticPods.start(({ added, removed }) => {
      for (const pod of removed) {
        mirrors.remove(pod);
        if (this.#waiting.get(fullName(pod)) === pod) this.#waiting.delete(fullName(pod));
        this.#workers.get(uidOf(pod))?.gone();
      }
      for (const pod of added) this.#begin(pod);
      mirrors.lookAgain();
    });
    void this.#relistForever();
  }

  /** Once pods and services of the API server are known. */
  follow(): void {
    this.#ports.informer.subscribe(({ before, after }) => {
      if (after !== undefined) this.#seen(ofApi(after));
      if (before !== undefined && (after === undefined || uidOf(before) !== uidOf(after))) this.#goneFromApi(before);
    });
    this.#following = true;
  }

  stop(): void {
    this.#stopped = true;
    this.#ports.staticPods.stop();
    this.#ports.mirrors.stop();
    this.#relistTimer?.cancel();
    for (const worker of this.#workers.values()) worker.stop();
  }

  /** Something of the pod of a manifest by that full name runs here, or may. */
  isStaticRunning(name: string): boolean {
    return [...this.#workers.values()].some((worker) => isStatic(worker.pod) && fullName(worker.pod) === name);
  }

  wake(uid: string): void {
    this.#workers.get(uid)?.wake();
  }

  wakeAll(): void {
    for (const worker of this.#workers.values()) worker.wake();
  }

  worker(namespace: string, name: string): PodWorker | undefined {
    return [...this.#workers.values()].find(({ pod }) => podKey(pod).namespace === namespace && podKey(pod).name === name);
  }

  all(): Pod[] {
    return [...this.#workers.values()].map(({ pod }) => pod);
  }

  /** Containers that ran when their pods were last looked at. */
  running(): ContainerDetail[] {
    return [...this.#workers.values()].flatMap(({ observed }) =>
      observed.containers.filter(({ state }) => state === 'running'),
    );
  }

  /** When the engine last said all it has. */
  get lastRelistMs(): number {
    return this.#lastRelistMs;
  }

  /** When the loop last went around, whether the engine answered or not; -Infinity before it has begun. */
  get lastLoopMs(): number {
    return this.#lastLoopMs;
  }

  #goneFromApi(pod: Pod): void {
    if (!this.#isMirror(pod)) {
      this.#workers.get(uidOf(pod))?.gone();
      return;
    }
    this.#ports.statuses.forget(uidOf(pod));
    this.#ports.mirrors.gone(pod);
  }

  /** What runs here by its own uid mirrors nothing, whatever is written on it later: forgotten, it would run for ever. */
  #isMirror(pod: Pod): boolean {
    return mirrored(pod) !== undefined && !this.#workers.has(uidOf(pod));
  }

  /** A mirror is no pod to run; what is said of the pod that it mirrors is written there. */
  #mirrorSeen(mirror: Pod): void {
    const { mirrors, statuses } = this.#ports;
    const changedByOthers = statuses.seen(mirror);
    const isNew = mirrors.seen(mirror);
    for (const worker of this.#workers.values()) {
      if (!isStatic(worker.pod) || mirrors.of(worker.pod) !== mirror) continue;
      // That it has ended only this kubelet can say: what others write there must not end it.
      const { phase = 'Pending' } = worker;
      worker.update({ ...worker.pod, status: { ...mirror.status, phase } });
      if (!isNew && !changedByOthers) continue;
      worker.sayAgain();
      worker.wake();
    }
  }

  /** Runs the pod of a manifest as soon as nothing is left of another one by its name. */
  #begin(pod: Pod): void {
    const name = fullName(pod);
    this.#waiting.delete(name);
    if (this.isStaticRunning(name)) {
      this.#waiting.set(name, pod);
      return;
    }
    this.#add(pod);
  }

  #seen(pod: Pod): void {
    if (this.#isMirror(pod)) {
      this.#mirrorSeen(pod);
      return;
    }
    const known = this.#workers.get(uidOf(pod));
    if (known !== undefined) {
      const changedByOthers = this.#ports.statuses.seen(pod);
      known.update(pod);
      if (changedByOthers) known.wake();
      return;
    }
    this.#add(pod);
  }

  #add(pod: Pod): void {
    const uid = uidOf(pod);
    const worker = new PodWorker(pod, {
      ...this.#ports,
      sandboxGate: this.#sandboxGate,
      observe: () => this.#observe(uid),
      runtimeHandler: (name) => this.#runtimeHandler(name),
      admit: (each) => {
        const verdict = this.#admit(uid);
        // One that is turned away has no mirror, as upstream has it.
        if (verdict === undefined && isStatic(each)) this.#ports.mirrors.add(each);
        return verdict;
      },
      setStatus: (each, status) => {
        const told = isStatic(each) ? this.#ports.mirrors.of(each) : each;
        if (told !== undefined) this.#ports.statuses.set(told, status);
      },
      statusWritten: (each) => this.#ports.statuses.flushed(each),
      finalDelete: (each) => this.#finalDelete(each),
      forget: (each) => this.#forget(each),
    });
    this.#workers.set(uid, worker);
    worker.wake();
  }

  /**
   * Why this node does not take the pod. All that wait are decided on at once, lest who asks first be served first. What still runs of
   * a pod that was taken out of the API holds no room: the scheduler has given that to others, as with upstream's kubelet.
   */
  #admit(uid: string): Rejection | undefined {
    if (!this.#verdicts.has(uid)) {
      const there = [...this.#workers.values()].filter(({ isGone }) => !isGone).map(({ pod }) => pod);
      const notRefused = there.filter((pod) => this.#verdicts.get(uidOf(pod)) === undefined);
      const known = notRefused.map((pod) => ({ pod, isTaken: this.#isTaken(pod) }));
      for (const [each, verdict] of admitInOrder(known, this.#ports.admit)) this.#verdicts.set(each, verdict);
    }
    return this.#verdicts.get(uid);
  }

  #isTaken(pod: Pod): boolean {
    const uid = uidOf(pod);
    return this.#verdicts.has(uid) || this.#begun.has(uid) || pod.status?.startTime !== undefined;
  }

  #forget(uid: string): void {
    const pod = this.#workers.get(uid)?.pod;
    this.#workers.delete(uid);
    this.#prints.delete(uid);
    this.#verdicts.delete(uid);
    this.#ports.backoff.forget(`${uid}/`);
    this.#ports.statuses.forget(uid);
    this.#ports.runtime.forget(uid);
    const next = pod === undefined ? undefined : this.#waiting.get(fullName(pod));
    if (next !== undefined && !this.#stopped) this.#begin(next);
    else if (pod !== undefined && isStatic(pod)) this.#ports.mirrors.ended(pod);
  }

  async #runtimeHandler(name: string): Promise<string> {
    if (name === '') return '';
    try {
      return (await this.#ports.client.get(runtimeClasses, { name })).handler;
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      throw new Error(`runtimeclass.node.k8s.io ${JSON.stringify(name)} not found`, { cause: error });
    }
  }

  async #finalDelete(pod: Pod): Promise<void> {
    const { namespace, name } = podKey(pod);
    try {
      await this.#ports.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid: uidOf(pod) } });
    } catch (error) {
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
    }
  }

  async #observe(uid: string): Promise<PodObservation> {
    const { engine } = this.#ports;
    await this.#firstRelist.promise;
    const [sandboxes, containers] = await Promise.all([engine.listSandboxes(uid), engine.listContainers(uid)]);
    return this.#detail(sandboxes, containers);
  }

  async #detail(sandboxes: Sandbox[], containers: ContainerSummary[]): Promise<PodObservation> {
    if (sandboxes.length === 0 && containers.length === 0) return nothingObserved;
    sandboxes.sort((a, b) => b.createdAtMs - a.createdAtMs || b.attempt - a.attempt);
    const details = await Promise.all(
      containers.map(async (each) => {
        const cached = this.#exited.get(each.id);
        if (cached !== undefined) return cached;
        const detail = { ...(await this.#ports.engine.container(each.id)), sandboxId: each.sandboxId };
        if (detail.state === 'exited') this.#exited.set(each.id, detail);
        return detail;
      }),
    );
    details.sort((a, b) => b.createdAtMs - a.createdAtMs || b.attempt - a.attempt);
    const [newest] = sandboxes;
    return {
      sandboxes,
      containers: details,
      ips: newest?.ready === true ? await this.#ports.engine.sandboxIps(newest.id) : [],
    };
  }

  async #relistForever(): Promise<void> {
    while (!this.#stopped) {
      this.#lastLoopMs = this.#ports.clock.monotonicMs();
      try {
        await this.#relist();
        if (this.engineProblem !== undefined) this.wakeAll();
        this.engineProblem = undefined;
        this.#lastRelistMs = this.#ports.clock.monotonicMs();
      } catch (error) {
        if (this.engineProblem === undefined) this.#ports.log.warn({ err: error }, 'the container engine does not answer');
        this.engineProblem = (error as Error).message;
      }
      await new Promise<void>((resolve) => {
        this.#relistTimer = this.#ports.clock.timer(relistPeriodMs, resolve);
      });
    }
  }

  async #relist(): Promise<void> {
    const { engine } = this.#ports;
    const [sandboxes, containers] = await Promise.all([engine.listSandboxes(), engine.listContainers()]);
    const prints = new Map<string, string>();
    const add = (uid: string, text: string) => prints.set(uid, `${prints.get(uid) ?? ''};${text}`);
    for (const { podUid, id, ready } of sandboxes) add(podUid, `${id}=${ready}`);
    for (const { podUid, id, state } of containers) add(podUid, `${id}=${state}`);
    if (this.#lastRelistMs === Number.NEGATIVE_INFINITY) this.#begun = new Set(prints.keys());
    this.#firstRelist.resolve();
    const present = new Set(containers.map(({ id }) => id));
    for (const id of this.#exited.keys()) if (!present.has(id)) this.#exited.delete(id);
    for (const [uid, worker] of this.#workers) {
      const print = prints.get(uid) ?? '';
      if ((this.#prints.get(uid) ?? '') !== print) worker.wake();
      this.#prints.set(uid, print);
    }
    // What belongs to no pod is an orphan only once apiserver and manifests have said which pods there are.
    if (!this.#following || !this.#ports.staticPods.isComplete) return;
    const left = [...prints.keys(), ...(await this.#podsOnHost())];
    for (const uid of new Set(left.filter((each) => each !== '' && !this.#workers.has(each)))) {
      if (this.#removing.has(uid)) continue;
      this.#removing.add(uid);
      void this.#removeOrphan(uid, sandboxes, containers).finally(() => this.#removing.delete(uid));
    }
  }

  /** Uids of pods of which something is on disk or in cgroups. That they cannot be listed is no fault of the engine's. */
  async #podsOnHost(): Promise<string[]> {
    const { volumes, cgroups, log } = this.#ports;
    try {
      const found = [...(await volumes.pods()), ...((await cgroups?.pods()) ?? [])];
      this.#hostProblem = undefined;
      return found;
    } catch (err) {
      const { message } = err as Error;
      if (this.#hostProblem !== message) log.warn({ err }, 'what is left of pods that are gone cannot be looked for');
      this.#hostProblem = message;
      return [];
    }
  }

  async #removeOrphan(uid: string, sandboxes: readonly Sandbox[], containers: readonly ContainerSummary[]): Promise<void> {
    const { engine, log, volumes, references, cgroups, settings } = this.#ports;
    try {
      for (const each of containers.filter(({ podUid }) => podUid === uid)) {
        if (each.state === 'running')
          await engine.stopContainer(each.id, Number(each.annotations['io.kubernetes.pod.terminationGracePeriod'] ?? 30));
        await engine.removeContainer(each.id);
      }
      const own = sandboxes.filter(({ podUid }) => podUid === uid);
      for (const { id } of own) await engine.stopSandbox(id);
      // First what would remind nobody of the rest.
      await removeLogs(settings.podLogsDir, uid, volumes.folders.calls);
      references.release(uid);
      await volumes.remove(uid);
      await cgroups?.remove(uid);
      for (const { id } of own) await engine.removeSandbox(id);
      log.info({ podUid: uid }, 'removed what was left of a pod that is gone');
    } catch (err) {
      log.warn({ err, podUid: uid }, 'could not remove what is left of a pod that is gone');
    }
  }
}
