// What `kill`, `pause`, `resume`, `start` and `restart` share.
import { constants } from 'node:os';
import { LabError } from '@drydock/lab/errors.ts';
import type { UpResult } from '@drydock/lab/up.ts';
import { say } from './output.ts';

/** A signal's name, with or without SIG, or its number. Throws LabError with the list. */
export function signalNamed(text: string): NodeJS.Signals {
  const name = text.toUpperCase().startsWith('SIG') ? text.toUpperCase() : `SIG${text.toUpperCase()}`;
  if (name in constants.signals) return name as NodeJS.Signals;
  const number = Object.entries(constants.signals).find(([, value]) => String(value) === text)?.[0];
  if (number !== undefined) return number as NodeJS.Signals;
  const known = Object.keys(constants.signals).map((signal) => signal.slice(3));
  throw new LabError('config', `unknown signal: ${text} (one of: ${known.join(', ')})`);
}

/** `kill -9 NAME` and `kill -TERM NAME`, as every kill takes them, in the form that the command line's parser takes. */
export function readableSignals(argv: readonly string[]): string[] {
  const at = argv.indexOf('kill');
  if (at < 0) return [...argv];
  return argv.flatMap((word, i) =>
    i > at && /^-(?:\d+|(?:SIG)?[A-Z]+[0-9]*)$/.test(word) ? ['--signal', word.slice(1)] : [word],
  );
}

/** The names that were reached, for a sentence. Throws LabError where there are none. */
export function someOf(reached: readonly string[], given: readonly string[], otherwise: string): string {
  if (reached.length === 0) throw new LabError('not-running', `${given.length === 0 ? 'all' : given.join(', ')}: ${otherwise}`);
  return reached.join(', ');
}

export function tellStarted(result: UpResult, nothing: string, done: string): void {
  say(result.started.length === 0 ? nothing : `${done} ${result.started.join(', ')}`);
  if (result.notServing.length > 0)
    say(`not serving yet: ${result.notServing.join(', ')} (./drydock status, ./drydock logs NAME)`);
}
