// How long a part of the run took, and how busy it kept the processors: a part that waits may have company, one that works may not.
import { cpus } from 'node:os';

interface Spent {
  readonly atMs: number;
  readonly busyMs: number;
  readonly allMs: number;
}

function spent(): Spent {
  let [busyMs, allMs] = [0, 0];
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.irq + times.idle;
    allMs += all;
    busyMs += all - times.idle;
  }
  return { atMs: performance.now(), busyMs, allMs };
}

/** Begins to measure; the function that it gives says what was spent since, for example `183 s, processors 71% busy`. */
export function stopwatch(): () => string {
  const begun = spent();
  return () => {
    const now = spent();
    const busy = Math.round((100 * (now.busyMs - begun.busyMs)) / Math.max(1, now.allMs - begun.allMs));
    return `${Math.round((now.atMs - begun.atMs) / 1000)} s, processors ${busy}% busy`;
  };
}
