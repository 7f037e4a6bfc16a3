// Which of several default classes is taken: the newest, and of equally old ones the first by name.

import { parseTime } from '@drydock/foundation/clock.ts';
import type { KubeObject } from './resource.ts';

/** A sorted copy. */
export function newestFirst<T extends Pick<KubeObject, 'metadata'>>(objects: readonly T[]): T[] {
  const age = ({ metadata }: T): number => parseTime(metadata?.creationTimestamp) ?? 0;
  return [...objects].sort((a, b) => age(b) - age(a) || ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
}
