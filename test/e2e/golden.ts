// Recorded kubectl sessions, played on a lab.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { mask, parseSession, playSession, userOf } from '../golden/transcript.ts';

const folder = new URL('../golden/', import.meta.url);

export const goldenSessions: readonly string[] = readdirSync(folder).filter((file) => file.endsWith('.session'));

/** Plays a session as the lab's administrator and compares what kubectl prints with what it printed on the original. */
export async function expectGolden(file: string, labKubeconfig: string): Promise<void> {
  const recorded = parseSession(readFileSync(new URL(file, folder), 'utf8'));
  const scratch = mkdtempSync(join(tmpdir(), 'drydock-golden-'));
  try {
    const played = await playSession(recorded, userOf(labKubeconfig, scratch), scratch);
    const expected = recorded.steps.map((step) => ({ command: step.command, output: mask(step.output) }));
    expect(played.steps).toEqual(expected);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
