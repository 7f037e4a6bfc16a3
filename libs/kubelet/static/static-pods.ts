// The pods of all manifests together: which came, which are gone (pkg/kubelet/config: PodConfig).
import type { Pod } from '@drydock/api/generated/types.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { StaticSource } from './source.ts';
import { fullName } from './static-pod.ts';

export interface StaticChange {
  readonly added: readonly Pod[];
  readonly removed: readonly Pod[];
}

export class StaticPods {
  readonly #sources: readonly StaticSource[];
  readonly #log: Log;
  readonly #found = new Map<StaticSource, readonly Pod[]>();
  /** By uid: a manifest that has changed is another pod. */
  #pods: ReadonlyMap<string, Pod> = new Map();

  constructor(sources: readonly StaticSource[], log: Log) {
    this.#sources = sources;
    this.#log = log;
  }

  /** Tells of every change, and once when all is known, whether there are any or not. */
  start(changed: (change: StaticChange) => void): void {
    if (this.#sources.length === 0) changed({ added: [], removed: [] });
    for (const source of this.#sources)
      source.start((pods) => {
        this.#found.set(source, pods);
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

  #merge(): StaticChange {
    const byName = new Map<string, Pod>();
    for (const pod of [...this.#found.values()].flat()) {
      const name = fullName(pod);
      if (byName.has(name)) this.#log.warn({ pod: name }, 'Pod failed validation due to duplicate pod name, ignoring');
      else byName.set(name, pod);
    }
    const before = this.#pods;
    const after = new Map(
      [...byName.values()].map((pod) => [pod.metadata?.uid ?? '', before.get(pod.metadata?.uid ?? '') ?? pod]),
    );
    this.#pods = after;
    return {
      added: [...after].filter(([uid]) => !before.has(uid)).map(([, pod]) => pod),
      removed: [...before].filter(([uid]) => !after.has(uid)).map(([, pod]) => pod),
    };
  }
}
