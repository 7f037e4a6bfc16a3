// Acceptance 1: stock kubectl, compared with sessions that were recorded on an upstream cluster.
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { mask, parseSession, playSession } from '../golden/transcript.ts';
import { e2eSkipReason, labEnvironment } from './lab.ts';

const goldenFolder = new URL('../golden/', import.meta.url);
const sessions = readdirSync(goldenFolder).filter((file) => file.endsWith('.session'));
const scratch = mkdtempSync(join(tmpdir(), 'drydock-golden-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.skipIf(e2eSkipReason !== undefined)(`kubectl sessions (${e2eSkipReason ?? 'as root'})`, () => {
  test.each(sessions)('%s', async (file) => {
    const recorded = parseSession(readFileSync(new URL(file, goldenFolder), 'utf8'));
    const env = await labEnvironment();
    // Sessions change the kubeconfig's current context: each gets a copy.
    const kubeconfig = join(scratch, `${file}.kubeconfig`);
    copyFileSync(env.KUBECONFIG ?? '', kubeconfig);
    const played = await playSession(
      recorded,
      { KUBECONFIG: kubeconfig, PATH: process.env.PATH ?? '', HOME: scratch },
      scratch,
    );
    const expected = recorded.steps.map((step) => ({ command: step.command, output: mask(step.output) }));
    expect(played.steps).toEqual(expected);
  });
});
