import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execFileSync } from '@drydock/foundation/child-process.ts';
import { defaultConfig } from '@drydock/lab/config.ts';
import type { Lab } from '@drydock/lab/lab.ts';
import { layOut } from '@drydock/lab/topology.ts';
import { describe, expect, test } from 'vitest';
import { program } from './command-line.ts';
import { labFlags, withLab } from './hints.ts';
import { readableSignals, signalNamed } from './process-verbs.ts';
import { createProgress } from './progress.ts';
import { formatStatus } from './status-verb.ts';
import { nextSteps } from './up-verb.ts';

const helpFile = fileURLToPath(new URL('./help.txt', import.meta.url));

/** What the launcher prints before anything is installed. */
function helpTexts(): string {
  const sections: [string, string][] = [['drydock', helpOf(program)]];
  for (const command of program.commands) sections.push([command.name(), helpOf(command)]);
  return sections.map(([name, text]) => `=== ${name}\n${text.trimEnd()}\n`).join('');
}

function helpOf(command: typeof program): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 100 });
  command.outputHelp();
  return text;
}

test('help.txt, which the launcher prints where nothing is installed, is what the command line says (UPDATE=1 writes it)', () => {
  const texts = helpTexts();
  if (process.env.UPDATE === '1') writeFileSync(helpFile, texts);
  expect(readFileSync(helpFile, 'utf8')).toBe(texts);
  for (const verb of ['up', 'down', 'ls', 'status', 'kill', 'run']) expect(texts).toContain(`=== ${verb}\n`);
});

test.each([
  [
    ['kill', '-9', 'etcd-1'],
    ['kill', '--signal', '9', 'etcd-1'],
  ],
  [
    ['--name', 'x', 'kill', '-TERM', 'a'],
    ['--name', 'x', 'kill', '--signal', 'TERM', 'a'],
  ],
  [
    ['kill', '-SIGUSR1', 'a'],
    ['kill', '--signal', 'SIGUSR1', 'a'],
  ],
  [
    ['kill', '-s', 'TERM', 'a'],
    ['kill', '-s', 'TERM', 'a'],
  ],
  [
    ['logs', '-9'],
    ['logs', '-9'],
  ],
])('%j is read as every kill reads it', (given, read) => {
  expect(readableSignals(given)).toEqual(read);
});

test('signals by name, with and without SIG, and by number', () => {
  expect(['9', 'kill', 'SIGKILL'].map(signalNamed)).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL']);
  expect(() => signalNamed('NOSUCH')).toThrow(/unknown signal: NOSUCH \(one of: HUP/);
});

test.each([
  [{}, ''],
  [{ name: 'lab' }, ''],
  [{ name: 'x' }, ' --name x'],
  [{ name: 'x', dir: '/a/b' }, ' --name x --dir /a/b'],
  [{ dir: "/a b'c" }, " --dir '/a b'\\''c'"],
])('hints about %j carry what a command needs', (named, flags) => {
  expect(labFlags(named)).toBe(flags);
  expect(withLab('first `drydock down`, then `drydock up`; `kubectl get`', named)).toBe(
    `first \`./drydock down${flags}\`, then \`./drydock up${flags}\`; \`kubectl get\``,
  );
});

function labLike(change: Partial<typeof defaultConfig>): Lab {
  const name = change.name ?? 'lab';
  const paths = { repo: '/c', dir: `/c/.drydock/${name}`, run: '/run/drydock/x' };
  const topology = layOut({ ...defaultConfig, ...change }, paths);
  return { name, context: { paths }, view: () => ({ topology }) } as unknown as Lab;
}

test('what to type next is only what the lab can do', () => {
  expect(nextSteps(labLike({}))).toMatch(/expose deployment[\s\S]*kill worker-2/);
  const hollow = nextSteps(labLike({ name: 'ux', network: 'loopback', engine: 'hollow', workers: 0, etcd: 1 }));
  expect(hollow).not.toMatch(/expose|create deployment|worker-2|etcd-2/);
  expect(hollow.match(/\.\/drydock \w+ --name ux/g)).toHaveLength(3);
});

describe('progress', () => {
  const run = (isTerminal: boolean, failed: boolean) => {
    let text = '';
    const progress = createProgress(() => 0, { isTerminal, columns: 60, write: (part) => (text += part) });
    for (const name of ['etcd-1', 'apiserver-1', 'kubelet-w1']) progress.listener(name, 'waiting');
    progress.listener('etcd-1', 'starting');
    progress.listener('etcd-1', 'ready', '10.0.0.1:2379');
    progress.say('installing');
    progress.listener('apiserver-1', failed ? 'failed' : 'ready', 'x');
    if (!failed) progress.listener('kubelet-w1', 'ready', 'y');
    progress.finish();
    return text;
  };

  test.each([true, false])('tells every process by its own line (terminal: %s)', (isTerminal) => {
    const text = run(isTerminal, false);
    for (const name of ['etcd-1', 'apiserver-1', 'kubelet-w1']) expect(text).toMatch(new RegExp(`s  ${name} ready.*\n`));
    expect(text).toContain('s  installing\n');
    expect(text).not.toContain('not started');
    // No cursor is hidden, and nothing of the last line is left.
    expect(text.includes('\x1b[?25l')).toBe(false);
    expect(text.split('\x1b[K').at(-1)).not.toContain('waiting for');
  });

  test('a process that waited when another failed is not called failed', () => {
    const text = run(false, true);
    expect(text).toMatch(/apiserver-1 failed\n/);
    expect(text).not.toMatch(/kubelet-w1 failed/);
    expect(text).toMatch(/not started, or not ready: kubelet-w1\n$/);
  });
});

test('status says why, and what follows', () => {
  const entry = { program: 'etcd', member: 'etcd-1', pid: 7, address: 'a:1', rssBytes: 0, role: '', reason: '' };
  const text = formatStatus({
    processes: [
      { ...entry, name: 'etcd-1', state: 'unhealthy', reason: 'status 503 no leader' },
      { ...entry, name: 'etcd-2', state: 'dead', reason: 'SIGKILL by `drydock` 12 s ago' },
    ],
    partitions: [],
    notes: ['the store has no quorum'],
    manifests: { 'worker-1': '/labs/a/workers/worker-1/manifests', 'worker-2': '/labs/a/workers/worker-2/manifests' },
    totalRssBytes: 0,
  });
  expect(text).toMatch(/etcd-1\s+unhealthy.*status 503 no leader\n/);
  expect(text).toMatch(/etcd-2\s+dead.*SIGKILL by `drydock` 12 s ago\n/);
  expect(text).toMatch(/the store has no quorum\n/);
  expect(text).toMatch(
    /static pods of worker-1: manifests in \/labs\/a\/workers\/worker-1\/manifests; of the others likewise$/,
  );
});

test('a reader that goes away, and a full file, end a verb quietly', () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const shell = (script: string) =>
    execFileSync('bash', ['-c', script, 'bash', process.execPath, main], { encoding: 'utf8', stdio: 'pipe' });
  expect(shell('"$1" "$2" --help 2>&1 | true')).toBe('');
  if (process.platform !== 'linux') return;
  expect(shell('"$1" "$2" ls 2>&1 >/dev/full; echo "rc $?"')).toBe(
    'drydock: cannot write to standard output: no space left\nrc 1\n',
  );
}, 60_000);
