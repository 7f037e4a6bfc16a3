// The store's command line: what it refuses is refused in etcd's words and with its exit codes, where that is at hand asked of both.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from '@drydock/foundation/child-process.ts';
import { afterAll, expect, test } from 'vitest';
import { ourProgram, Store, until, upstreamProgram } from './members.ts';

const folder = mkdtempSync(join(tmpdir(), 'drydock-flags-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const minuteMs = 60_000;
const original = upstreamProgram('etcd');
const programs = [
  { name: 'ours', command: [...ourProgram] },
  ...(original !== undefined && existsSync(original) ? [{ name: 'etcd', command: [original] }] : []),
];

const logged = (error: string) => ({ exitCode: 1, error });
const explained = (error: string) => ({ exitCode: 2, error: `${error}\nUsage:\n\n  etcd [flags]\n` });
interface Case {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly exitCode: number;
  readonly error: string;
}

const cases: readonly Case[] = [
  { args: ['--nosuch'], ...explained('flag provided but not defined: -nosuch') },
  { args: ['--heartbeat-interval=x'], ...explained('invalid value "x" for flag -heartbeat-interval: parse error') },
  { args: ['--pre-vote=maybe'], ...explained('invalid boolean value "maybe" for -pre-vote: parse error') },
  { args: ['--initial-cluster-state=foo'], ...explained('invalid value "foo" for flag -initial-cluster-state: invalid value') },
  { args: ['extra'], ...logged("'extra' is not a valid flag") },
  { args: [], env: { ETCD_HEARTBEAT_INTERVAL: 'x' }, ...logged('invalid value "x" for ETCD_HEARTBEAT_INTERVAL: parse error') },
  { args: ['--config-file=/nonexistent'], ...logged('open /nonexistent: no such file or directory') },
  {
    args: ['--listen-client-urls=http://127.0.0.1:1'],
    ...logged('--advertise-client-urls is required when --listen-client-urls is set explicitly'),
  },
  {
    args: ['--election-timeout=100'],
    ...logged('--election-timeout[100ms] should be at least as 5 times as --heartbeat-interval[100ms]'),
  },
];

for (const { name, command } of programs) {
  test(`${name} refuses`, { timeout: minuteMs }, async () => {
    const [file = '', ...first] = command;
    for (const { args, env, exitCode, error } of cases) {
      const result = await execa(file, [...first, ...args], { cwd: folder, env: env ?? {}, reject: false, timeout: minuteMs });
      const told = `${result.stderr}\n`.split('\n').find((line) => line.includes('failed to verify flags'));
      const text = told === undefined ? `${result.stderr}\n` : (JSON.parse(told) as { error: string }).error;
      expect({ exitCode: result.exitCode, error: text.slice(0, error.length) }).toEqual({ exitCode, error });
    }
  });
}

/** Section and default of each flag. */
function helpOf(text: string): Map<string, string> {
  let section = '';
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    section = /^(\S.*):$/.exec(line)?.[1] ?? section;
    const [, name, shown = ''] = /^ {2}--([\w-]+)(?: (.*))?$/.exec(line) ?? [];
    if (name !== undefined) found.set(name, `${section} ${shown.replace(/^'?(.*?)'?$/, "'$1'")}`);
  }
  return found;
}

/** Defaults of 3.6, of another format, or said in words. */
const otherDefaults = ['max-concurrent-streams', 'snapshot-count', 'data-dir', 'initial-cluster', 'enable-grpc-gateway'];

test.skipIf(original === undefined)(
  'help has the sections and the defaults of the original',
  { timeout: minuteMs },
  async () => {
    const [ours, theirs] = await Promise.all(
      [ourProgram, [original ?? '']].map(async ([file = '', ...first]) =>
        helpOf((await execa(file, [...first, '--help'])).stdout),
      ),
    );
    const shared = [...(ours?.keys() ?? [])].filter((name) => theirs?.has(name));
    expect(shared.length).toBeGreaterThan(50);
    for (const name of shared) {
      const [own = '', their = ''] = [ours?.get(name), theirs?.get(name)];
      if (otherDefaults.includes(name)) expect(own.split(" '")[0], name).toBe(their.split(" '")[0]);
      else expect(own.replace(/(?<=\d[mh])0s|(?<=h)0m0s/, ''), name).toBe(their);
    }
  },
);

/** Between the first ports and the word of the cluster. */
function publishedMs(log: string): number {
  const at = (message: string): number => {
    const line = log.split('\n').find((text) => text.includes(`"msg":"${message}`));
    return Date.parse((JSON.parse(line ?? '{}') as { ts: string }).ts);
  };
  return at('published local member') - at('now serving peer');
}

/** What Raft says in the life of one member, without ids. */
async function raftLines(program: readonly string[]): Promise<string[]> {
  const store = await Store.start({ size: 1, program, flags: ['--log-level=info'] });
  try {
    await until('the member is published', () => store.log(0).includes('ready to serve client requests'));
    await store.stopMember(0, 'SIGTERM');
    const lines = store.log(0).trim().split('\n');
    const said = lines
      .map((line) => JSON.parse(line) as { logger?: string; msg: string })
      .filter(({ logger }) => logger === 'raft');
    return said.map(({ msg }) => msg.replace(/\b[0-9a-f]{14,16}\b/g, '<id>').replace(/\(\d+\)/, '(<id>)'));
  } finally {
    await store.stop();
  }
}

test.skipIf(original === undefined)('who leads is logged as the original logs it', { timeout: minuteMs }, async () => {
  const [ours, theirs] = [await raftLines(ourProgram), await raftLines([original ?? ''])];
  expect(ours).toContain('<id> became leader at term 2');
  // The original also tells of every vote.
  let at = -1;
  for (const line of ours) {
    at = theirs.indexOf(line, at + 1);
    expect(at, `${line} in its place among ${theirs.join('; ')}`).toBeGreaterThanOrEqual(0);
  }
});

test('the version, and the lines of the log that tools wait for', { timeout: minuteMs }, async () => {
  const { stdout } = await execa(ourProgram[0], [...ourProgram.slice(1), '--version']);
  expect(stdout).toMatch(/^etcd Version: \d+\.\d+\.\d+/);
  const store = await Store.start({ size: 1, flags: ['--log-level=info'] });
  try {
    await until('the member is published', () => store.log(0).includes('ready to serve client requests'));
    await store.stopMember(0, 'SIGTERM');
    const messages = store
      .log(0)
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
    const expected = [
      'starting an etcd server',
      'now serving peer/client/metrics',
      'set initial cluster version',
      'enabled capabilities for version',
      'published local member to cluster through raft',
      'ready to serve client requests',
      'serving client traffic insecurely; this is strongly discouraged!',
      'received signal; shutting down',
      'closing etcd server',
      'closed etcd server',
    ];
    // Nothing has to be tried again for that.
    expect(publishedMs(store.log(0))).toBeLessThan(900);
    expect(messages.filter((message) => expected.includes(message))).toEqual(expected);
  } finally {
    await store.stop();
  }
});
