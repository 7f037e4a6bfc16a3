// Whether a member is well: /health as monitoring has long asked it, /livez and /readyz check by check.
import { alarmType } from '../rpc/messages.ts';
import type { EtcdServer } from './server.ts';

/** Rejects with the reason why it is not met. */
type Check = (server: EtcdServer) => Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  data_corruption: async ({ machine }) => {
    if (machine.alarms.has(alarmType.corrupt)) throw new Error('alarm activated: CORRUPT');
  },
  // Reads of this member need nobody else, and it answers.
  serializable_read: async () => {},
  linearizable_read: async (server) => {
    try {
      await server.readPoint();
    } catch (error) {
      throw new Error(`range error: ${reasonOf(error)}`, { cause: error });
    }
  },
  non_learner: async (server) => {
    if (server.isLearner) throw new Error('local member is a learner');
  },
};

export const livezChecks = ['serializable_read'] as const;
export const readyzChecks = ['data_corruption', 'serializable_read', 'linearizable_read', 'non_learner'] as const;

export interface Checked {
  readonly ok: boolean;
  /** One line per check. */
  readonly text: string;
}

export async function runChecks(server: EtcdServer, names: readonly string[]): Promise<Checked> {
  const lines: string[] = [];
  let ok = true;
  for (const name of names) {
    try {
      await checks[name]?.(server);
      lines.push(`[+]${name} ok\n`);
    } catch (error) {
      ok = false;
      lines.push(`[-]${name} failed: ${reasonOf(error)}\n`);
    }
  }
  return { ok, text: lines.join('') };
}

/** Why the member is not healthy, or ''. */
export async function healthReason(server: EtcdServer, excluded: readonly string[], serializable: boolean): Promise<string> {
  const { alarms } = server.machine;
  if (alarms.has(alarmType.noSpace) && !excluded.includes('NOSPACE')) return 'ALARM NOSPACE';
  if (alarms.has(alarmType.corrupt) && !excluded.includes('CORRUPT')) return 'ALARM CORRUPT';
  if (!server.hasLeader) return 'RAFT NO LEADER';
  if (serializable) return '';
  try {
    await server.readPoint();
    return '';
  } catch (error) {
    return `RANGE ERROR:${reasonOf(error)}`;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
