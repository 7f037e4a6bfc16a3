// Sessions of the study notes as tests: each place of a note is played on a lab and compared with what an upstream cluster answered.
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mask, playSession } from '../../golden/transcript.ts';
import { labEnvironment } from '../lab.ts';
import { placesOf } from './play.ts';

/** One test for each place of the session in `file`; they go on from each other. */
export function testNote(file: URL): void {
  const scratch = mkdtempSync(join(tmpdir(), 'drydock-note-'));
  let env: Record<string, string> | undefined;
  test.each(placesOf(readFileSync(file, 'utf8')))('$name', async ({ session }) => {
    env ??= await userOf(scratch);
    const { steps } = await playSession(session, env, scratch);
    expect(steps).toEqual(session.steps.map(({ command, output }) => ({ command, output: mask(output) })));
  });
  test('nothing of it stays on this machine', () => rmSync(scratch, { recursive: true }));
}

/** Sessions change the kubeconfig's current context: each gets a copy. */
async function userOf(folder: string): Promise<Record<string, string>> {
  const kubeconfig = join(folder, 'kubeconfig');
  copyFileSync((await labEnvironment()).KUBECONFIG ?? '', kubeconfig);
  return { KUBECONFIG: kubeconfig, PATH: process.env.PATH ?? '', HOME: folder };
}
