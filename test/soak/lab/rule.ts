// When a curve counts as flat.
import type { Memory } from './inspect.ts';

/** A look at one process. */
export interface Sample {
  readonly minute: number;
  readonly name: string;
  readonly memory: Memory;
}

export const warmUpMinutes = 10;
/** A window is a third of what comes after the warm-up, but at least so many samples. */
const windowMinSamples = 3;
/** What a flat curve may gain from its first window to its last: the noise of collections, and of pages that come and go. */
const heapFactor = 1.1;
const heapSlackMb = 6;
const anonFactor = 1.15;
const anonSlackMb = 12;

export interface Verdict {
  readonly name: string;
  /** Both windows: least of heap used and external, middle of anonymous memory; in megabytes. */
  readonly heap: readonly [number, number];
  readonly anon: readonly [number, number];
  readonly grows: boolean;
}

/**
 * Compares the first third after the warm-up with the last one, process by process. What is alive is judged by the least of heap
 * used + external in a window (just after a collection), what the system has given by the middle of the anonymous memory; mapped
 * files (the store's data, the program) are not the process's own and are left out. Undefined where there are too few samples.
 */
export function verdicts(samples: readonly Sample[], warmUp = warmUpMinutes): Verdict[] | undefined {
  const names = [...new Set(samples.map(({ name }) => name))];
  const judged = names.map((name) =>
    judge(
      name,
      samples.filter((sample) => sample.name === name && sample.minute > warmUp),
    ),
  );
  return judged.includes(undefined) ? undefined : (judged as Verdict[]);
}

function judge(name: string, samples: readonly Sample[]): Verdict | undefined {
  const size = Math.max(windowMinSamples, Math.floor(samples.length / 3));
  if (samples.length < 2 * size) return undefined;
  const windows = [samples.slice(0, size), samples.slice(-size)] as const;
  const alive = (window: readonly Sample[]) => Math.min(...window.map(({ memory }) => memory.heapUsed + memory.external));
  const middle = (window: readonly Sample[]) =>
    window.map(({ memory }) => memory.anon).sort((a, b) => a - b)[Math.floor(window.length / 2)] ?? 0;
  const heap = [alive(windows[0]), alive(windows[1])] as const;
  const anon = [middle(windows[0]), middle(windows[1])] as const;
  const grows = heap[1] > heap[0] * heapFactor + heapSlackMb || anon[1] > anon[0] * anonFactor + anonSlackMb;
  return { name, heap, anon, grows };
}
