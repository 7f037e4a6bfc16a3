// Sessions with etcdctl: the commands are one list, the answers one transcript per version of etcdctl, recorded on the original.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { mask, parseSession, playSession, type Session } from '../../golden/transcript.ts';
import type { Store } from './members.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** What is played: commands in `etcdctl<suffix>.commands`, on a member with these flags. */
export interface Script {
  readonly name: string;
  readonly suffix: string;
  readonly flags: readonly string[];
}

export const scripts: readonly Script[] = [
  { name: 'a session', suffix: '', flags: [] },
  { name: 'a session about snapshots', suffix: '-snapshot', flags: [] },
  { name: 'a session about space', suffix: '-space', flags: ['--quota-backend-bytes=4000000'] },
];

const commandsFile = ({ suffix }: Script): string => join(here, `etcdctl${suffix}.commands`);
export const sessionFile = ({ suffix }: Script, version: string): string => join(here, `etcdctl-${version}${suffix}.session`);

/** `3.4`; undefined where there is no such program. */
export async function etcdctlVersion(program: string): Promise<string | undefined> {
  const { stdout, failed } = await execa(program, ['version'], { reject: false, env: { ETCDCTL_API: '3' } });
  return failed ? undefined : /etcdctl version: (\d+\.\d+)/.exec(stdout)?.[1];
}

/** Watches until so many lines have come; etcdctl by itself ends only with an error. */
const watchLines = `#!/bin/sh
lines=$1; shift
: >watched
etcdctl watch "$@" >watched 2>&1 &
watch=$!
while kill -0 $watch 2>/dev/null && [ "$(wc -l <watched)" -lt "$lines" ]; do sleep 0.05; done
kill $watch 2>/dev/null
cat watched
`;

/** Plays the commands with one etcdctl on a store of one member. */
export async function playEtcdctl(script: Script, program: string, store: Store): Promise<Session> {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-etcdctl-'));
  try {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync(program, join(bin, 'etcdctl'));
    writeFileSync(join(bin, 'watch-lines'), watchLines, { mode: 0o700 });
    const env: Record<string, string> = { ...store.env, PATH: `${bin}:${store.env.PATH}` };
    // Without the scheme, as people type it.
    env.ETCDCTL_ENDPOINTS = store.endpoint(0).replace(/^http:\/\//, '');
    const { preamble, steps } = parseSession(readFileSync(commandsFile(script), 'utf8'));
    // In one pipe, or else the order of the two streams is a matter of luck.
    const joined = steps.map((step) => ({ ...step, command: `{ ${step.command}\n} 2>&1` }));
    const played = await playSession({ preamble, steps: joined }, env, folder);
    return {
      preamble,
      steps: steps.map(({ command }, i) => ({ command, output: maskStore(played.steps[i]?.output ?? '') })),
    };
  } finally {
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
  [/\b[0-9a-f]{15,16}\b/g, '<id>'],
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
