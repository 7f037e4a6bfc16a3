// Which of the times that have passed is to be run now, if any.
import type { CronJob } from '@drydock/api/generated/types.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import { creationMs } from '../common/object-meta.ts';
import type { Schedule } from './schedule.ts';

/** More missed times than this are told about: a clock jumped, or the controller was away for long. */
export const missedTimesMax = 100;

export interface Due {
  /** The latest time that has passed and was not run; undefined where none has. */
  readonly atMs: number | undefined;
  readonly tooMany: boolean;
}

/** @throws Error where the schedule gives no usable times. */
export function dueOf(cronJob: CronJob, schedule: Schedule, nowMs: number): Due {
  const last = parseTime(cronJob.status?.lastScheduleTime);
  const deadline = cronJob.spec.startingDeadlineSeconds;
  let earliest = last ?? creationMs(cronJob);
  if (deadline !== undefined) earliest = Math.max(earliest, nowMs - deadline * 1000);
  const first = schedule.next(earliest);
  if (first === undefined || nowMs < first) return { atMs: undefined, tooMany: false };
  const second = schedule.next(first);
  if (second === undefined || nowMs < second) return { atMs: first, tooMany: false };
  const between = Math.floor((second - first) / 1000);
  if (between < 1) throw new Error('time difference between two schedules is less than 1 second');
  const missed = Math.floor((nowMs - first) / 1000 / between) + 1;
  // Skips most of the times on the way, so that a schedule of a year ago costs no more than one of a minute ago.
  let atMs = first;
  let next = schedule.next(first + Math.max(0, missed - 2) * between * 1000);
  while (next !== undefined && next <= nowMs) {
    atMs = next;
    next = schedule.next(next);
  }
  return { atMs, tooMany: missed > missedTimesMax };
}
