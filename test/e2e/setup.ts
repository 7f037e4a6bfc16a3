// Brings the suite's lab up once, before its first file, and takes it down after the last.
import { drydock, e2eSkipReason, labFlags } from './lab.ts';

export async function setup(): Promise<void> {
  if (e2eSkipReason !== undefined) return;
  await drydock('down', ...labFlags);
  const result = await drydock('up', ...labFlags, '--profile', 'fast');
  if (result.exitCode !== 0) {
    // Where this throws, nobody calls teardown.
    await drydock('down', ...labFlags);
    throw new Error(`drydock up: exit ${result.exitCode}\n${result.all}`);
  }
}

export async function teardown(): Promise<void> {
  if (e2eSkipReason !== undefined) return;
  const result = await drydock('down', ...labFlags);
  if (result.exitCode !== 0) throw new Error(`drydock down: exit ${result.exitCode}\n${result.all}`);
}
