// Sessions of the study notes as tests: each place of a note is played on a lab and compared with what an upstream cluster answered.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { placesOf } from '../../golden/places.ts';
import { mask, playSession, userOf } from '../../golden/transcript.ts';
import { labEnvironment } from '../lab.ts';

/** One test for each place of the session in `file`; they go on from each other. */
export function testNote(file: URL): void {
  const scratch = mkdtempSync(join(tmpdir(), 'drydock-note-'));
  let env: Record<string, string> | undefined;
  test.each(placesOf(readFileSync(file, 'utf8')))('$name', async ({ session }) => {
    env ??= userOf((await labEnvironment()).KUBECONFIG ?? '', scratch);
    const { steps } = await playSession(session, env, scratch);
    expect(steps).toEqual(session.steps.map(({ command, output }) => ({ command, output: mask(output) })));
  });
  afterAll(() => rmSync(scratch, { recursive: true }));
}
