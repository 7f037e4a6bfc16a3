// The pods of all manifests together: which came, which are gone (pkg/kubelet/config: PodConfig).
import type { Pod } from '@drydock/api/generated/types.ts';
import { type Clock, formatMicroTime } from '@drydock/foundation/clock.ts';
import type { StaticSource } from './source.ts';
import { fullName, seenAnnotation, sourceAnnotation } from './static-pod.ts';

export interface StaticChange {
  readonly added: readonly Pod[];
  readonly removed: readonly Pod[];
}

export interface StaticPorts {
  readonly clock: Pick<Clock, 'wallMs'>;
  /** Of two pods of one name in a source the second is passed over. */
  readonly refused: (pod: Pod) => void;
}

export class StaticPods {
  readonly #sources: readonly StaticSource[];
  readonly #ports: StaticPorts;
  readonly #found = new Map<StaticSource, readonly Pod[]>();
  /** By uid: a manifest that has changed is another pod. */
  #pods: ReadonlyMap<string, Pod> = new Map();

  constructor(sources: readonly StaticSource[], ports: StaticPorts) {
    this.#sources = sources;
    this.#ports = ports;
  }

  /** Tells of every change, and once when all is known, whether there are any or not. */
  start(changed: (change: StaticChange) => void): void {
    if (this.#sources.length === 0) changed({ added: [], removed: [] });
    for (const source of this.#sources)
      source.start((pods) => {
        this.#found.set(source, this.#valid(pods));
        changed(this.#merge());
      });
  }

  stop(): void {
    for (const source of this.#sources) source.stop();
  }

  /** Every source has said what it has: what is not here now is not there. */
  get isComplete(): boolean {
    return this.#found.size === this.#sources.length;
  }

  /** What a source has, the first of each name. */
  #valid(pods: readonly Pod[]): Pod[] {
    const names = new Set<string>();
    return pods.filter((pod) => {
      const isFirst = !names.has(fullName(pod));
      names.add(fullName(pod));
      if (!isFirst) this.#ports.refused(pod);
      return isFirst;
    });
  }

  /** Of one name in several sources that which runs goes on, else the first: the other one waits until it is gone. */
  #merge(): StaticChange {
    const before = this.#pods;
    const byName = new Map<string, Pod>();
    for (const pod of [...this.#found.values()].flat())
      if (!byName.has(fullName(pod)) || before.has(uidOf(pod))) byName.set(fullName(pod), pod);
    const after = new Map([...byName.values()].map((pod) => [uidOf(pod), before.get(uidOf(pod)) ?? this.#seen(pod)]));
    this.#pods = after;
    return {
      added: [...after].filter(([uid]) => !before.has(uid)).map(([, pod]) => pod),
      removed: [...before].filter(([uid]) => !after.has(uid)).map(([, pod]) => pod),
    };
  }

  #seen(pod: Pod): Pod {
    const { metadata } = pod;
    const annotations = { ...metadata?.annotations, [seenAnnotation]: formatMicroTime(this.#ports.clock.wallMs()) };
    return { ...pod, metadata: { ...metadata, annotations } };
  }
}

/** What is said of a pod whose name another one of its source has, in upstream's words. */
export function duplicateName({ metadata }: Pod): string {
  const { namespace, name = '', uid, annotations } = metadata ?? {};
  const source = annotations?.[sourceAnnotation];
  return `Error validating pod ${name}_${namespace}(${uid}) from ${source} due to duplicate pod name ${JSON.stringify(name)}, ignoring`;
}

function uidOf(pod: Pod): string {
  return pod.metadata?.uid ?? '';
}
