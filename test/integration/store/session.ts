// Sessions with etcdctl: the commands are one list, the answers one transcript per version of etcdctl, recorded on the original.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';
import { mask, parseSession, playSession, type Session } from '../../golden/transcript.ts';
import { Store } from './members.ts';
import { serveStarts, writeTools } from './session-tools.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** What is played: commands in `etcdctl<suffix>.commands`, on members with these flags. */
export interface Script {
  readonly name: string;
  readonly suffix: string;
  readonly flags: readonly string[];
  /** Members, 1 where it is not said; and places for others, which the session starts. */
  readonly size?: number;
  readonly spare?: number;
}

/** Members that wait for a processor now and then keep their leader. */
const patient = ['--heartbeat-interval=300', '--election-timeout=3000'];

export const scripts: readonly Script[] = [
  { name: 'a session', suffix: '', flags: [] },
  { name: 'a session about snapshots', suffix: '-snapshot', flags: [] },
  // Hashes that cost little, for every command with a password computes one.
  { name: 'a session about users', suffix: '-auth', flags: ['--bcrypt-cost=4'] },
  { name: 'a session about locks', suffix: '-lock', flags: [] },
  { name: 'a session about formats', suffix: '-formats', flags: ['--experimental-watch-progress-notify-interval=500ms'] },
  { name: 'a session about space', suffix: '-space', flags: ['--quota-backend-bytes=4000000'] },
  { name: 'a session about membership', suffix: '-members', flags: patient, size: 3, spare: 1 },
  { name: 'a session about all members at once', suffix: '-cluster', flags: patient, size: 3 },
];

const commandsFile = ({ suffix }: Script): string => join(here, `etcdctl${suffix}.commands`);
export const sessionFile = ({ suffix }: Script, version: string): string => join(here, `etcdctl-${version}${suffix}.session`);

/** `3.4`; undefined where there is no such program. */
export async function etcdctlVersion(program: string): Promise<string | undefined> {
  const { stdout, failed } = await execa(program, ['version'], { reject: false, env: { ETCDCTL_API: '3' } });
  return failed ? undefined : /etcdctl version: (\d+\.\d+)/.exec(stdout)?.[1];
}

/** The store that a script is played on. */
export async function startFor(script: Script, program?: readonly string[]): Promise<Store> {
  const { flags, size = 1, spare = 0 } = script;
  const store = await Store.start({ size, flags, ...(program === undefined ? {} : { program }) });
  for (let i = 0; i < spare; i++) await store.place();
  return store;
}

/** Plays the commands with one etcdctl, which talks to the first member. */
export async function playEtcdctl(script: Script, program: string, store: Store): Promise<Session> {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-etcdctl-'));
  let end = (): void => {};
  try {
    const bin = join(folder, 'bin');
    writeTools(bin, program);
    const env: Record<string, string> = { ...store.env, PATH: `${bin}:${store.env.PATH}` };
    // Without the scheme, as people type it.
    env.ETCDCTL_ENDPOINTS = store.endpoint(0).replace(/^http:\/\//, '');
    env.ALL_ENDPOINTS = store.endpoints.join();
    for (const i of store.members.keys()) {
      env[`ENDPOINT_${i + 1}`] = store.endpoint(i);
      env[`PEER_${i + 1}`] = store.peerUrl(i);
    }
    end = serveStarts(folder, store);
    const { preamble, steps } = parseSession(readFileSync(commandsFile(script), 'utf8'));
    // In one pipe, or else the order of the two streams is a matter of luck.
    const joined = steps.map((step) => ({ ...step, command: `{ ${step.command}\n} 2>&1` }));
    const played = await playSession({ preamble, steps: joined }, env, folder);
    return {
      preamble,
      steps: steps.map(({ command }, i) => ({ command, output: maskStore(played.steps[i]?.output ?? '') })),
    };
  } finally {
    end();
    rmSync(folder, { recursive: true, force: true });
  }
}

const masks: readonly (readonly [RegExp, string])[] = [
  // etcdctl's own log lines name its version's source lines.
  [/^\{"level":.*\n?/gm, ''],
  [/(?<=<ip>):\d+/g, ':<port>'],
  [/(?<=(?:cluster_id|member_id|raft_term|ID)":)\d+/g, '<number>'],
  [/(?<="(?:ClusterID|MemberID|RaftTerm)" ?: ?)\d+/g, '<number>'],
  [/(?<=memberID:)\d+/g, '<number>'],
  // Some are shorter, and padded.
  [/(?<= ) +(?=[0-9a-f]{13,15}\b)/g, ''],
  [/\b[0-9a-f]{13,16}\b/g, '<id>'],
  [/(?<="name":")\w+/g, '<name>'],
  [/took = \S+/g, 'took = <age>'],
  [/took:? \S+/g, 'took <age>'],
  [/(?<=TTL\()<age>|(?<=remaining\()<age>/g, '<age>'],
];

function maskStore(text: string): string {
  let masked = text;
  for (const [pattern, replacement] of masks) masked = masked.replace(pattern, replacement);
  return mask(masked);
}
