// Golden sessions: what a person types and what the cluster answers, with everything volatile masked.
//
//   # a comment
//   $ kubectl get pods            a command, run by sh
//   <masked output>               both streams, in order of writing; a last line `exit N` where the status is not 0
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from '@drydock/foundation/child-process.ts';

export interface Step {
  readonly command: string;
  readonly output: string;
}

export interface Session {
  /** Text before the first command: comments that say what the session is about. */
  readonly preamble: string;
  readonly steps: readonly Step[];
}

/** Splits a transcript; a command runs from `$ ` to the end of its line (or of the here-document it opens). */
export function parseSession(text: string): Session {
  const preamble: string[] = [];
  const steps: { command: string; output: string[] }[] = [];
  let until: string | undefined;
  for (const line of text.split('\n')) {
    const step = steps.at(-1);
    if (until !== undefined && step !== undefined) {
      step.command += `\n${line}`;
      if (line === until) until = undefined;
    } else if (line.startsWith('$ ')) {
      steps.push({ command: line.slice(2), output: [] });
      until = /<<'?(\w+)'?/.exec(line)?.[1];
    } else if (step === undefined) preamble.push(line);
    else step.output.push(line);
  }
  return {
    preamble: preamble.join('\n'),
    steps: steps.map(({ command, output }) => ({ command, output: output.join('\n').trimEnd() })),
  };
}

export function renderSession(session: Session): string {
  const steps = session.steps.map((step) => `$ ${step.command}\n${step.output === '' ? '' : `${step.output}\n`}`);
  return `${session.preamble}\n${steps.join('\n')}`.replace(/^\n/, '');
}

/** The environment of a session's user in `folder`. Sessions change the kubeconfig's current context: each gets a copy. */
export function userOf(kubeconfig: string, folder: string): Record<string, string> {
  const own = join(folder, 'kubeconfig');
  copyFileSync(kubeconfig, own);
  return { KUBECONFIG: own, PATH: process.env.PATH ?? '', HOME: folder };
}

/** How long one command of a session may take. */
const commandTimeoutMs = 60_000;

/** Runs every command with `env` and gives the session as it went, masked. */
export async function playSession(session: Session, env: Record<string, string>, cwd: string): Promise<Session> {
  const steps: Step[] = [];
  for (const step of session.steps) {
    const result = await execa('sh', ['-c', step.command], {
      env,
      cwd,
      all: true,
      reject: false,
      timeout: commandTimeoutMs,
      stdin: 'ignore',
    });
    const status = result.exitCode === 0 ? '' : `\nexit ${result.timedOut ? 'timeout' : result.exitCode}`;
    steps.push({ command: step.command, output: mask(`${result.all ?? ''}${status}`) });
  }
  return { preamble: session.preamble, steps };
}

const masks: readonly (readonly [RegExp, string])[] = [
  // Lines that tell of waiting: how many there are depends on the speed of the machine.
  [/^Waiting for (?:deployment|daemon set|statefulset|\d+).*\n?/gm, ''],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b(?:containerd|cri-o|docker|hollow):\/\/[0-9a-f.]+[0-9a-f]{20,}\b/g, '<container-id>'],
  [/\b(?:sha256:)[0-9a-f]{64}\b/g, '<digest>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>'],
  [/(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000/g, '<time>'],
  [/\b(?:up-node|worker-)\d+\b/g, '<node>'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '<ip>'],
  // Generated parts of names: a template hash and a pod's suffix.
  [/-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '-<hash>-<suffix>'],
  [/-[bcdfghjklmnpqrstvwxz2456789]{8,10}(?=["\s,)]|$)/gm, '-<hash>'],
  [/-[bcdfghjklmnpqrstvwxz2456789]{5}(?=["\s,)]|$)/gm, '-<suffix>'],
  [/pod-template-hash[=:] ?[bcdfghjklmnpqrstvwxz2456789]+/g, 'pod-template-hash=<hash>'],
  [/\bkube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<suffix>'],
  [/(?<=[:/ ])3[0-2]\d{3}(?=\/TCP|\/UDP)/g, '<nodeport>'],
  // Ages and durations: 5s, 2m10s, 3h.
  [/(?<![\w.])(?:\d+h)?(?:\d+m)?\d+(?:s|m|h|d)(?: \(x\d+ over [^)]*\))?(?![\w.])/g, '<age>'],
  [/"?resourceVersion"?: "?\d+"?/g, 'resourceVersion: <rv>'],
];

/** Replaces what differs between two runs of the same thing; column widths count as such. */
export function mask(text: string): string {
  let masked = text;
  for (const [pattern, replacement] of masks) masked = masked.replace(pattern, replacement);
  return masked
    .split('\n')
    .map((line) => line.replace(/(?<=\S) {2,}/g, '  ').trimEnd())
    .join('\n')
    .trimEnd();
}
