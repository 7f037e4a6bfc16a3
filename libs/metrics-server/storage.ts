// The last two points of every node and container, and what they say (metrics-server: pkg/storage). Pure.
import { freshContainerMs } from './limits.ts';
import { type Batch, type MetricsPoint, type PodId, type Usage, usageBetween } from './points.ts';

export interface ContainerUsage {
  readonly name: string;
  readonly usage: Usage;
}

export interface PodUsage {
  readonly containers: readonly ContainerUsage[];
  /** Of the container that was measured first. */
  readonly atMs: number;
  readonly windowMs: number;
}

type Containers = ReadonlyMap<string, MetricsPoint>;

interface Kept {
  readonly nodes: ReadonlyMap<string, MetricsPoint>;
  readonly pods: ReadonlyMap<PodId, Containers>;
}

const nothing: Kept = { nodes: new Map(), pods: new Map() };

/** Holds as much as two rounds found, and nothing of who is not in the last one. */
export class MetricsStorage {
  readonly #resolutionMs: number;
  #last = nothing;
  /** Points before those of `#last`, with no restart between the two. */
  #before = nothing;

  /** @param resolutionMs --metric-resolution. */
  constructor(resolutionMs: number) {
    this.#resolutionMs = resolutionMs;
  }

  /** How many nodes and containers something can be said of. */
  get points(): { readonly nodes: number; readonly containers: number } {
    const containers = [...this.#before.pods.values()].reduce((sum, { size }) => sum + size, 0);
    return { nodes: this.#before.nodes.size, containers };
  }

  /** Whether something can be said of nodes, and of pods. */
  get isReady(): boolean {
    return this.#before.nodes.size > 0 && this.#before.pods.size > 0;
  }

  /** Takes what a round has found. */
  store(batch: Batch): void {
    const nodes = new Map<string, MetricsPoint>();
    for (const [name, point] of batch.nodes) {
      const before = followed(point, this.#last.nodes.get(name), this.#before.nodes.get(name));
      if (before !== undefined) nodes.set(name, before);
    }
    const pods = new Map<PodId, Containers>();
    for (const [id, containers] of batch.pods) {
      const before = this.#beforeOf(id, containers);
      if (before.size > 0) pods.set(id, before);
    }
    this.#last = batch;
    this.#before = { nodes, pods };
  }

  #beforeOf(id: PodId, containers: Containers): Containers {
    const found = new Map<string, MetricsPoint>();
    for (const [name, point] of containers) {
      const before = this.#isFresh(point)
        ? { ...point, atMs: point.startMs, cpuNanoseconds: 0 }
        : followedContainer(point, this.#last.pods.get(id)?.get(name), this.#before.pods.get(id)?.get(name));
      if (before !== undefined) found.set(name, before);
    }
    return found;
  }

  /** Old enough for its figures to say something, and started since the round before: the start is a point, too. */
  #isFresh({ startMs, atMs }: MetricsPoint): boolean {
    const ageMs = atMs - startMs;
    return ageMs > 0 && ageMs < this.#resolutionMs && ageMs >= freshContainerMs;
  }

  /** Undefined where nothing is known of it. */
  node(name: string): Usage | undefined {
    const [before, last] = [this.#before.nodes.get(name), this.#last.nodes.get(name)];
    const usage = before && last && usageBetween(before, last);
    return typeof usage === 'string' ? undefined : usage;
  }

  /** Undefined where something is missing of one of its containers. One whose counter went back is left out. */
  pod(id: PodId): PodUsage | undefined {
    const [before, last] = [this.#before.pods.get(id), this.#last.pods.get(id)];
    if (before === undefined || last === undefined || last.size > before.size) return undefined;
    const containers = [...last].flatMap(([name, point]): ContainerUsage[] => {
      const usage = usageBetween(before.get(name) ?? point, point);
      return typeof usage === 'string' ? [] : [{ name, usage }];
    });
    const [first] = containers.map(({ usage }) => usage).sort((a, b) => a.atMs - b.atMs);
    return first === undefined ? undefined : { containers, atMs: first.atMs, windowMs: first.windowMs };
  }
}

/** The point before `point`: a kubelet may say the same thing twice, which is no new point. */
function followed(
  point: MetricsPoint,
  last: MetricsPoint | undefined,
  before: MetricsPoint | undefined,
): MetricsPoint | undefined {
  if (last === undefined) return undefined;
  if (point.atMs > last.atMs) return last;
  return before !== undefined && before.atMs < point.atMs ? before : undefined;
}

/** None where it has been started again since. */
function followedContainer(
  point: MetricsPoint,
  last: MetricsPoint | undefined,
  before: MetricsPoint | undefined,
): MetricsPoint | undefined {
  return last !== undefined && point.startMs < last.atMs ? followed(point, last, before) : undefined;
}
