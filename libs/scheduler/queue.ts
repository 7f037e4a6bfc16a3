// The pods that wait for a node: ready to be tried, backing off, or set aside until something in the cluster changes.
// https://kubernetes.io/docs/concepts/scheduling-eviction/ ; upstream: pkg/scheduler/backend/queue
import type { ClusterEvent } from './cluster-event.ts';
import type { PodInfo } from './node-info.ts';

export interface QueueConfig {
  /** podInitialBackoffSeconds, in milliseconds. */
  readonly initialBackoffMs: number;
  /** podMaxBackoffSeconds, in milliseconds. */
  readonly maxBackoffMs: number;
  /** How long a pod stays set aside at most (upstream: podMaxInUnschedulablePodsDuration). */
  readonly unschedulableMaxMs: number;
}

export const defaultQueueConfig: QueueConfig = {
  initialBackoffMs: 1_000,
  maxBackoffMs: 10_000,
  unschedulableMaxMs: 5 * 60_000,
};

interface Entry {
  info: PodInfo;
  readonly enteredMs: number;
  readonly sequence: number;
  attempts: number;
  state: 'active' | 'backoff' | 'unschedulable' | 'gated' | 'inFlight';
  /** When the back-off ends, or when a pod was set aside. */
  sinceMs: number;
  /** Whether an event may help; none does where an error, not a filter, was in the way. */
  helps: (event: ClusterEvent) => boolean;
  /** Something happened while the pod was being tried: it must not be set aside on what was seen before. */
  changed: boolean;
}

/** A pod handed out by `pop`. */
export interface QueuedPod {
  readonly info: PodInfo;
  /** This try included. */
  readonly attempts: number;
}

/** Deterministic: every method is told the time (`Clock.monotonicMs`). Holds one entry per pod uid. */
export class SchedulingQueue {
  readonly #entries = new Map<string, Entry>();
  readonly #config: QueueConfig;
  #sequence = 0;

  constructor(config: QueueConfig = defaultQueueConfig) {
    this.#config = config;
  }

  /**
   * A pod without a node was seen, or changed. A change of the pod itself ends its setting aside.
   * @param gated it is not to be tried yet.
   */
  put(info: PodInfo, nowMs: number, gated = false): void {
    const entry = this.#entries.get(info.uid);
    if (entry === undefined) {
      this.#entries.set(info.uid, {
        info,
        enteredMs: nowMs,
        sequence: this.#sequence++,
        attempts: 0,
        state: gated ? 'gated' : 'active',
        sinceMs: nowMs,
        helps: nothingHelps,
        changed: false,
      });
      return;
    }
    const specChanged = entry.info.pod.metadata?.generation !== info.pod.metadata?.generation;
    const labelsChanged = JSON.stringify(entry.info.pod.metadata?.labels) !== JSON.stringify(info.pod.metadata?.labels);
    entry.info = info;
    if (entry.state === 'gated') entry.state = gated ? 'gated' : 'active';
    else if (entry.state === 'unschedulable' && (specChanged || labelsChanged)) this.#wake(entry, nowMs);
    else if (entry.state === 'inFlight' && (specChanged || labelsChanged)) entry.changed = true;
  }

  /** What is known of a pod that is being placed has changed: should it come back, it is that which is tried. */
  refresh(info: PodInfo): void {
    const entry = this.#entries.get(info.uid);
    if (entry !== undefined) entry.info = info;
  }

  /** The pod has a node, or is gone. */
  remove(uid: string): void {
    this.#entries.delete(uid);
  }

  /** The next pod to try: highest priority first, then longest waiting. It is in flight until one of the calls below. */
  pop(nowMs: number): QueuedPod | undefined {
    this.#release(nowMs);
    let best: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.state === 'active' && (best === undefined || before(entry, best))) best = entry;
    }
    if (best === undefined) return undefined;
    best.state = 'inFlight';
    best.attempts++;
    best.changed = false;
    return { info: best.info, attempts: best.attempts };
  }

  /** No node fits: set the pod aside until something happens that helps. */
  setAside(uid: string, helps: (event: ClusterEvent) => boolean, nowMs: number): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    entry.helps = helps;
    if (entry.changed) {
      this.#startBackoff(entry, nowMs);
      return;
    }
    entry.state = 'unschedulable';
    entry.sinceMs = nowMs;
  }

  /** Something failed that may not fail again: try after the back-off. */
  backOff(uid: string, nowMs: number): void {
    const entry = this.#entries.get(uid);
    if (entry !== undefined) this.#startBackoff(entry, nowMs);
  }

  /** Something happened in the cluster: pods that it may help are tried again, no sooner than their back-off allows. */
  onEvent(event: ClusterEvent, nowMs: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.state === 'inFlight') entry.changed = true;
      else if (entry.state === 'unschedulable' && entry.helps(event)) this.#wake(entry, nowMs);
    }
  }

  /** When `pop` may have something that it has not now; undefined: only after another call. */
  nextWakeMs(): number | undefined {
    let next: number | undefined;
    for (const entry of this.#entries.values()) {
      const due =
        entry.state === 'backoff'
          ? entry.sinceMs
          : entry.state === 'unschedulable'
            ? entry.sinceMs + this.#config.unschedulableMaxMs
            : undefined;
      if (due !== undefined && (next === undefined || due < next)) next = due;
    }
    return next;
  }

  /** How many pods are in each state, as the metric scheduler_pending_pods gives it. */
  counts(): { active: number; backoff: number; unschedulable: number; gated: number } {
    const counts = { active: 0, backoff: 0, unschedulable: 0, gated: 0, inFlight: 0 };
    for (const entry of this.#entries.values()) counts[entry.state]++;
    return { active: counts.active, backoff: counts.backoff, unschedulable: counts.unschedulable, gated: counts.gated };
  }

  #release(nowMs: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.state === 'backoff' && entry.sinceMs <= nowMs) entry.state = 'active';
      else if (entry.state === 'unschedulable' && entry.sinceMs + this.#config.unschedulableMaxMs <= nowMs)
        entry.state = 'active';
    }
  }

  /** Leaves being set aside: the back-off counts from when the last try ended. */
  #wake(entry: Entry, nowMs: number): void {
    const dueMs = entry.sinceMs + this.#backoffMs(entry.attempts);
    entry.state = dueMs <= nowMs ? 'active' : 'backoff';
    entry.sinceMs = dueMs;
  }

  #startBackoff(entry: Entry, nowMs: number): void {
    entry.state = 'backoff';
    entry.sinceMs = nowMs + this.#backoffMs(entry.attempts);
  }

  #backoffMs(attempts: number): number {
    return Math.min(this.#config.initialBackoffMs * 2 ** Math.max(0, attempts - 1), this.#config.maxBackoffMs);
  }
}

function nothingHelps(): boolean {
  return false;
}

function before(a: Entry, b: Entry): boolean {
  const [left, right] = [a.info.pod.spec?.priority ?? 0, b.info.pod.spec?.priority ?? 0];
  return left !== right ? left > right : a.sequence < b.sequence;
}
