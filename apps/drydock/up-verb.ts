// `drydock up`: choices from flags and a lab file, progress, the final table, what to type next.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { LabConfig } from '@drydock/lab/config.ts';
import { LabError } from '@drydock/lab/errors.ts';
import type { Lab, UpCall } from '@drydock/lab/lab.ts';
import { parseLabFile } from '@drydock/lab/lab-file.ts';
import type { UpResult } from '@drydock/lab/up.ts';
import { labFlags, withLab } from './hints.ts';
import { namedOf } from './open-lab.ts';
import { createProgress, thisScreen } from './progress.ts';
import { renderStatus } from './status-verb.ts';
import { seconds } from './table.ts';

/** Exit code after Ctrl-C, as shells have it. */
const interruptedCode = 130;

/** Reads a lab file; problems name the file, the line and the field. */
export function readLabFile(path: string): Partial<LabConfig> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new LabError('config', `cannot read the lab file: ${(error as Error).message}`);
  }
  const result = parseLabFile(text);
  if (result.problems.length > 0) {
    throw new LabError(
      'config',
      result.problems.map((problem) => `${path}:${problem.line}: ${problem.field}: ${problem.message}`).join('\n'),
    );
  }
  return result.config;
}

export async function upVerb(lab: Lab, asked: Partial<LabConfig>): Promise<void> {
  const begun = lab.context.clock.monotonicMs();
  const result = await runUp(lab, (call) => lab.up(asked, call));
  const took = seconds(lab.context.clock.monotonicMs() - begun);
  process.stdout.write(`${await renderStatus(lab)}\n\n`);
  process.stdout.write(
    result.started.length === 0
      ? `lab ${lab.name} was up already\n`
      : `lab ${lab.name} is up: ${result.started.length} processes started in ${took}\n`,
  );
  if (result.started.length > 0) process.stdout.write(nextSteps(lab));
}

/** Shows the progress of `start`, which brings a lab up, and ends the command where the user interrupts it. */
export async function runUp(lab: Lab, start: (call: UpCall) => Promise<UpResult>): Promise<UpResult> {
  const stop = new AbortController();
  const progress = createProgress(() => lab.context.clock.monotonicMs(), thisScreen());
  const interrupt = () =>
    stop.abort(
      new LabError('interrupted', 'interrupted: what was started goes on; `drydock up` continues, `drydock down` removes it'),
    );
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const result = await start({ listener: progress.listener, say: progress.say, signal: stop.signal });
    progress.finish();
    return result;
  } catch (error) {
    progress.finish();
    if (stop.signal.aborted) {
      process.stderr.write(`drydock: ${withLab((stop.signal.reason as Error).message, namedOf(lab))}\n`);
      process.exit(interruptedCode);
    }
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** What to type next, as it can be pasted: only what this lab can do. */
export function nextSteps(lab: Lab): string {
  const { config } = lab.view().topology;
  const flags = labFlags(namedOf(lab));
  const dataPath = config.network !== 'loopback';
  const simulated =
    config.engine === 'hollow'
      ? `\nPods are simulated here: they get Ready without a container${dataPath ? '' : ', Services have no data path, Ingresses are not served and partitions are not possible'}.\n`
      : '';
  const victim = config.workers > 1 ? 'worker-2' : config.etcd > 1 ? 'etcd-2' : 'apiserver-1';
  const lines = [
    `./drydock kubectl${flags} get nodes`,
    ...(config.workers === 0
      ? []
      : [`./drydock kubectl${flags} create deployment web --image=drydock/echo:1 --replicas=2 --port=8080`]),
    ...(dataPath && config.workers > 0 ? [`./drydock kubectl${flags} expose deployment web --port=80 --target-port=8080`] : []),
    `eval "$(./drydock env${flags})"       # for your own kubectl and etcdctl`,
    `./drydock kill${flags} ${victim}       # and see what happens; ./drydock --help for more`,
  ];
  return `${simulated}\nNext:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
