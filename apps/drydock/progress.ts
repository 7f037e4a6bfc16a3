// The progress of `up`: one line per process, live on a terminal (listr2), plain lines elsewhere.
import process from 'node:process';
import type { StartListener, StartPhase } from '@drydock/lab/starter.ts';
import { seconds } from './table.ts';

export interface Progress {
  readonly listener: StartListener;
  readonly say: (line: string) => void;
  /** Takes the live lines down; `failed` leaves what was not ready marked. */
  finish(failed: boolean): Promise<void>;
}

interface Line {
  readonly done: PromiseWithResolvers<void>;
  setTitle: (title: string) => void;
}

/** `now` gives milliseconds. */
export function createProgress(now: () => number): Progress {
  return process.stderr.isTTY === true ? liveProgress(now) : plainProgress(now);
}

function plainProgress(now: () => number): Progress {
  const begun = now();
  return {
    listener: (name, phase) => {
      if (phase === 'ready' || phase === 'failed')
        process.stderr.write(`${seconds(now() - begun).padStart(7)}  ${name} ${phase}\n`);
    },
    say: (line) => process.stderr.write(`${seconds(now() - begun).padStart(7)}  ${line}\n`),
    finish: async () => {},
  };
}

function liveProgress(now: () => number): Progress {
  const begun = now();
  const lines = new Map<string, Line>();
  const early: string[] = [];
  let addTask: ((name: string, line: Line) => void) | undefined;
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const running = import('listr2').then(async ({ Listr }) => {
    const list = new Listr<unknown>([], {
      concurrent: true,
      exitOnError: false,
      rendererOptions: { collapseErrors: false },
      registerSignalListeners: false,
    });
    addTask = (name, line) =>
      list.add({
        title: name,
        task: (_, task) => {
          line.setTitle = (title) => {
            task.title = title;
          };
          return line.done.promise;
        },
      });
    for (const [name, line] of lines) addTask(name, line);
    list.add({ title: 'lab', task: () => closed });
    await list.run();
  });
  const show = (name: string, phase: StartPhase, detail?: string) => {
    let line = lines.get(name);
    if (line === undefined) {
      line = { done: Promise.withResolvers<void>(), setTitle: () => {} };
      line.done.promise.catch(() => {});
      lines.set(name, line);
      addTask?.(name, line);
    }
    if (phase === 'ready') {
      line.setTitle(`${name} ${detail ?? ''} (${seconds(now() - begun)})`);
      line.done.resolve();
    } else if (phase === 'failed') line.done.reject(new Error(`${name} failed`));
    else line.setTitle(phase === 'waiting' ? `${name} (waiting)` : name);
  };
  return {
    listener: show,
    say: (line) => {
      early.push(line);
      show(line, 'ready');
    },
    finish: async (failed) => {
      for (const [name, line] of lines) {
        if (failed) line.done.reject(new Error(`${name}: not finished`));
        else line.done.resolve();
      }
      close();
      await running.catch(() => {});
    },
  };
}
