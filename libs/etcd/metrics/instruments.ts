// What a member measures while it works; the rest of its metrics is read from its state when they are asked for.
import { CallCounts } from './call-counts.ts';
import { durationBounds, Histogram } from './histogram.ts';

export class Instruments {
  readonly calls: CallCounts;
  /** Seconds of each time that the log was made durable. */
  readonly walFsync = new Histogram(durationBounds);
  walBytes = 0;
  /** Seconds of each commit of the backend. */
  readonly backendCommit = new Histogram(durationBounds);
  healthSuccess = 0;
  healthFailures = 0;
  readIndexesFailed = 0;
  leasesExpired = 0;

  /** `nowMs`: to measure the time of calls too. */
  constructor(nowMs?: () => number) {
    this.calls = new CallCounts(nowMs);
  }
}
