// Where manifests come from.
import type { Pod } from '@drydock/api/generated/types.ts';

export interface StaticSource {
  /**
   * Begins to look, and tells of every change all pods that there are. The first time is also told where there are none; never
   * where it is not known.
   */
  start(found: (pods: readonly Pod[]) => void): void;
  stop(): void;
}
