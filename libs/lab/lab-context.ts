// The ports and places that every operation on a lab is given.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { LabPaths } from './topology.ts';

export interface LabContext {
  readonly paths: LabPaths;
  /** Where the records of this machine's labs are (of this user's, for who is not root), and their run folders. */
  readonly registry: string;
  /** DRYDOCK_DISK_FAULTS of whoever runs the command, as a whole path. */
  readonly diskFaults?: string | undefined;
  /** The run of the test suites that this command is of. */
  readonly testRun?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Node's compile cache, shared by all processes and labs of a clone. */
  readonly compileCache: string;
  /** Built images and what containerd makes of them; shared by all labs of a clone. */
  readonly imageCache: string;
}
