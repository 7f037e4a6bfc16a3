// Before and after every project of the suites: the environment is cleaned, and what a run leaves is removed however it ends.
import { isTroublesome } from '@drydock/foundation/clean-environment.ts';
import { beginRun, sweep } from './leave-nothing.ts';

const isRunner = (command: string) =>
  command.includes('/vitest/') ||
  command.includes('vitest.mjs') ||
  command.includes('vitest run') ||
  command.startsWith('vitest-');

export function setup(): () => void {
  for (const name of Object.keys(process.env)) if (isTroublesome(name)) delete process.env[name];
  const run = beginRun();
  let over = false;
  const end = (spare: (command: string) => boolean) => {
    if (over) return;
    over = true;
    const left = sweep(run, spare);
    if (left.length > 0) console.warn(`the run has left, and it was removed:\n${left.map((line) => `  ${line}`).join('\n')}`);
  };
  process.once('exit', () => end(() => false));
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    process.once(signal, () => process.exit(code));
  // The runner's own workers are still at work here.
  return () => end(isRunner);
}
