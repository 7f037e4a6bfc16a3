// --kube-api-qps and --kube-api-burst of a program.
import { StartupError } from '@drydock/foundation/program.ts';
import { rateOf } from './rate-limit.ts';
import type { Rate } from './token-bucket.ts';

/** As `rateOf`, where what is wrong is the user's to mend. Throws StartupError. */
export function startRate(qps: number, burst: number): Rate | undefined {
  try {
    return rateOf(qps, burst);
  } catch (cause) {
    throw new StartupError(`--kube-api-burst: ${(cause as Error).message}`, { cause });
  }
}
