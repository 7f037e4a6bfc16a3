// `drydock snapshot ...`
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { LabError } from '@drydock/lab/errors.ts';
import type { Lab } from '@drydock/lab/lab.ts';
import { runUp } from './up-verb.ts';

export async function saveVerb(lab: Lab, file: string, say: (line: string) => void): Promise<void> {
  const { member, bytes, current } = await lab.saveSnapshot(resolve(file));
  say(`saved ${file}, ${(bytes / 2 ** 20).toFixed(1)} MiB, from ${member}`);
  if (!current) say(`the store has no quorum: what ${member} had not heard of is missing`);
}

export async function restoreVerb(lab: Lab, file: string, force: boolean, say: (line: string) => void): Promise<void> {
  const path = resolve(file);
  if (!existsSync(path)) throw new LabError('config', `no such file: ${file}`);
  const result = await runUp(lab, (call) => lab.restoreSnapshot(path, force, call));
  say(`the store holds what ${file} has; started ${result.started.join(', ')}`);
}
