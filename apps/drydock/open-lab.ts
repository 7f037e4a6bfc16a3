// Finds the lab that a command is about: name, folders, records.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { defaultConfig } from '@drydock/lab/config.ts';
import { LabError } from '@drydock/lab/errors.ts';
import { Lab } from '@drydock/lab/lab.ts';
import { canonical } from '@drydock/lab/machine/folders.ts';
import { listRecords, lookAt } from '@drydock/lab/machine/registry.ts';
import { nameProblem } from '@drydock/lab/names.ts';
import { type LabRecord, runName } from '@drydock/lab/owner.ts';

export const repo = canonical(fileURLToPath(new URL('../..', import.meta.url)));

/** What the user said, by flags; the environment fills in. */
export interface Chosen {
  readonly name?: string | undefined;
  readonly dir?: string | undefined;
}

/** Where a command runs. */
export interface Place {
  readonly repo: string;
  /** See LabContext. */
  readonly registry: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function thisPlace(): Place {
  return { repo, registry: registryFolder(), env: process.env };
}

/**
 * The lab that was chosen; nothing is touched yet. A folder without a name stands for the lab that is in it. With `only`, where
 * nothing was chosen and this checkout has one lab, that one. Throws LabError for what can be no name and no folder.
 */
export function openLab(chosen: Chosen, only = false, at: Place = thisPlace()): Lab {
  const { repo, registry, env } = at;
  const dir = given('--dir', chosen.dir, 'DRYDOCK_DIR', env);
  const folder = dir === undefined ? undefined : canonical(dir);
  const name =
    given('--name', chosen.name, 'DRYDOCK_NAME', env) ??
    nameInside(folder) ??
    (only ? onlyLab(at) : undefined) ??
    defaultConfig.name;
  const problem = nameProblem(name);
  if (problem !== undefined) throw new LabError('config', `--name: ${problem}`);
  const cache = join(repo, 'node_modules', '.cache');
  const place = folder ?? canonical(join(repo, '.drydock', name));
  return new Lab(name, {
    paths: { repo, dir: place, run: join(registry, runName(name, place)) },
    registry,
    diskFaults: env.DRYDOCK_DISK_FAULTS ? resolve(env.DRYDOCK_DISK_FAULTS) : undefined,
    testRun: env.DRYDOCK_TEST_RUN,
    clock: new SystemClock(),
    random: new SystemRandom(),
    compileCache: env.NODE_COMPILE_CACHE ?? join(cache, 'compile'),
    imageCache: join(cache, 'drydock-images'),
  });
}

/** Records of the labs on this machine (of this user, for who is not root). */
export function labsOfMachine(): LabRecord[] {
  return listRecords(registryFolder());
}

function given(flag: string, value: string | undefined, variable: string, env: Place['env']): string | undefined {
  const text = value ?? env[variable];
  if (text === '')
    throw new LabError('config', `${value === undefined ? variable : flag} is empty: expected a name or nothing at all`);
  return text;
}

function nameInside(folder: string | undefined): string | undefined {
  const marker = folder === undefined ? undefined : lookAt(folder).marker;
  return typeof marker === 'object' ? marker.name : undefined;
}

function onlyLab({ registry, repo }: Place): string | undefined {
  const here = listRecords(registry).filter((record) => record.dir === join(repo, '.drydock', record.name));
  return here.length === 1 ? here[0]?.name : undefined;
}

/** Unix socket paths hold 107 characters, so sockets are not below the lab's folder, which may be anywhere. */
function registryFolder(): string {
  if (process.getuid?.() === 0) return '/run/drydock';
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && existsSync(runtime)) return join(resolve(runtime), 'drydock');
  return join(canonical(tmpdir()), `drydock-${process.getuid?.() ?? 0}`);
}

/** How a lab is named on a command line from this place: without what goes without saying. */
export function namedOf(lab: Lab): Chosen {
  const { dir, repo } = lab.context.paths;
  return { name: lab.name, dir: dir === join(repo, '.drydock', lab.name) ? undefined : dir };
}
