// Acceptance 1: stock kubectl, compared with sessions that were recorded on an upstream cluster.
import { describe, test } from 'vitest';
import { expectGolden, goldenSessions } from './golden.ts';
import { e2eSkipReason, labEnvironment } from './lab.ts';

describe.skipIf(e2eSkipReason !== undefined)(`kubectl sessions (${e2eSkipReason ?? 'as root'})`, () => {
  test.each(goldenSessions)('%s', async (file) => {
    await expectGolden(file, (await labEnvironment()).KUBECONFIG ?? '');
  });
});
