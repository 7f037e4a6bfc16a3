// A network namespace of a test's own, with the tools of this machine in it.
import process from 'node:process';
import { spawnSync } from '@drydock/foundation/child-process.ts';

export interface Kernel {
  /** The words that lead into it. */
  readonly enter: readonly string[];
  /** Runs a tool there; fails where it fails. */
  run(...words: readonly string[]): string;
  /** Processes in it, those that lost their parent among them. */
  pids(): string;
  remove(): void;
}

/** Undefined where it cannot be had, which takes root, ip, nft and conntrack. */
export function kernel(name: string): Kernel | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const tool of ['nft', 'conntrack']) if (spawnSync(tool, ['--version']).status !== 0) return undefined;
  const namespace = `dd-${name}-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', namespace]).status !== 0) return undefined;
  const enter = ['nsenter', `--net=/var/run/netns/${namespace}`];
  const run = (...words: readonly string[]): string => {
    const [command = '', ...args] = [...enter, ...words];
    const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr ?? error?.message}`);
    return stdout;
  };
  run('ip', 'link', 'set', 'lo', 'up');
  const pids = () => spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).stdout.trim();
  return { enter, run, pids, remove: () => void spawnSync('ip', ['netns', 'del', namespace]) };
}
