// Recorded kubectl sessions, played on a lab.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { mask, parseSession, playSession, type Step, userOf } from '../golden/transcript.ts';

const folder = new URL('../golden/', import.meta.url);

export const goldenSessions: readonly string[] = readdirSync(folder).filter((file) => file.endsWith('.session'));

/** A lab has a metrics server and the cluster of the recording had none: one line of one command's answer. */
function withoutMetrics({ command, output }: Step): Step {
  return { command, output: command === 'kubectl api-versions' ? output.replace('metrics.k8s.io/v1beta1\n', '') : output };
}

/** Plays a session as the lab's administrator and compares what kubectl prints with what it printed on the original. */
export async function expectGolden(file: string, labKubeconfig: string): Promise<void> {
  const recorded = parseSession(readFileSync(new URL(file, folder), 'utf8'));
  const scratch = mkdtempSync(join(tmpdir(), 'drydock-golden-'));
  try {
    const played = await playSession(recorded, userOf(labKubeconfig, scratch), scratch);
    const expected = recorded.steps.map((step) => ({ command: step.command, output: mask(step.output) }));
    expect(played.steps.map(withoutMetrics)).toEqual(expected);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
