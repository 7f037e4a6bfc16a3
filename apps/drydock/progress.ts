// The progress of `up`: one line per process as it becomes ready; on a terminal also a last line that says what is waited for.
import process from 'node:process';
import type { StartListener } from '@drydock/lab/starter.ts';
import { seconds } from './table.ts';

export interface Progress {
  readonly listener: StartListener;
  readonly say: (line: string) => void;
  /** Takes the last line away; what was not ready by then is said to have been waiting. */
  finish(): void;
}

export interface Screen {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string): void;
}

const clearLine = '\r\x1b[K';

export function thisScreen(): Screen {
  const { stderr } = process;
  return { isTerminal: stderr.isTTY === true, columns: stderr.columns ?? 80, write: (text) => stderr.write(text) };
}

/** `now` gives milliseconds. The cursor is never hidden, so a command that is killed leaves the terminal as it was. */
export function createProgress(now: () => number, screen: Screen): Progress {
  const begun = now();
  const pending = new Set<string>();
  const line = (text: string) => {
    screen.write(`${screen.isTerminal ? clearLine : ''}${seconds(now() - begun).padStart(7)}  ${text}\n`);
  };
  const showPending = () => {
    if (!screen.isTerminal || pending.size === 0) return;
    const text = `${seconds(now() - begun).padStart(7)}  waiting for ${[...pending].join(', ')}`;
    screen.write(`${clearLine}${text.length < screen.columns ? text : `${text.slice(0, screen.columns - 4)}...`}`);
  };
  return {
    listener: (name, phase, detail) => {
      if (phase === 'waiting' || phase === 'starting') pending.add(name);
      else {
        pending.delete(name);
        line(phase === 'ready' && screen.isTerminal && detail !== undefined ? `${name} ready (${detail})` : `${name} ${phase}`);
      }
      showPending();
    },
    say: (text) => {
      line(text);
      showPending();
    },
    finish: () => {
      if (screen.isTerminal) screen.write(clearLine);
      if (pending.size > 0) line(`not started, or not ready: ${[...pending].join(', ')}`);
      pending.clear();
    },
  };
}
