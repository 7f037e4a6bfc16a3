// Leading as a service of a program: under a Lease with election, or alone without one, until the program stops.
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { type ElectionOptions, leadUntil, runElection } from './leader-election.ts';
import { Leadership } from './leadership.ts';

export interface LeaderServiceOptions
  extends Pick<ElectionOptions, 'client' | 'clock' | 'random' | 'log' | 'lease' | 'timings'> {
  readonly name: string;
  /** --leader-elect. */
  readonly elects: boolean;
  readonly host: string;
  /** What is done whether or not it leads, until the signal aborts. */
  readonly follow?: (signal: AbortSignal) => void;
  readonly lead: (leadership: Leadership) => void;
  readonly fatal: (error: unknown, message: string) => void;
}

/** Its end gives the lease up and closes the client. */
export function leaderService(options: LeaderServiceOptions): Service {
  const { name, elects, host, follow, lead, fatal, ...ports } = options;
  const { client, clock, random, log } = ports;
  const stopped = new AbortController();
  let election = Promise.resolve();
  return {
    name,
    async start() {
      follow?.(stopped.signal);
      if (!elects) {
        const alone = new Leadership(clock);
        election = leadUntil(alone, stopped.signal);
        lead(alone);
        return;
      }
      election = runElection(
        {
          ...ports,
          identity: `${host}_${random.stream('identity').uuid()}`,
          onStartedLeading: lead,
          // What was decided under a lost lease must not be written: the process ends, whatever it is in the middle of.
          onLost: () => fatal(new Error('leader election lost'), 'leader election lost'),
          onNewLeader: (leader) => log.info({ leader }, 'new leader'),
        },
        stopped.signal,
      );
    },
    async stop() {
      stopped.abort();
      await election;
      client.close();
    },
  };
}
