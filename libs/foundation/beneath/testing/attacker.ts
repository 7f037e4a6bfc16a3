// Plays whoever owns the files beneath a directory: between any two calls, something there becomes something else.
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileCalls, nodeCalls } from '../calls.ts';
import { BeneathError, systemCode } from '../errors.ts';

export interface World {
  /** The directory that is worked in; its path is trusted, what is in it is not. */
  readonly inside: string;
  /** What must stay as it is. */
  readonly outside: string;
}

export interface Operation {
  /** Makes what is there before. */
  readonly prepare: (world: World) => void;
  /** The work, with these calls. */
  readonly work: (world: World, calls: FileCalls) => Promise<unknown>;
}

type Swap = (victim: string, world: World) => void;

/** What a victim may become; each leaves the old one beside, as someone who wants it back would. */
const swaps: Readonly<Record<string, Swap>> = {
  'link to a directory outside': (victim, { outside }) => symlinkSync(outside, victim),
  'link to a file outside': (victim, { outside }) => symlinkSync(join(outside, 'file'), victim),
  'link that steps back': (victim, { inside, outside }) => {
    const up = '../'.repeat(victim.slice(inside.length).split('/').length - 1);
    symlinkSync(`${up}${outside.split('/').at(-1)}`, victim);
  },
  'link to nothing outside': (victim, { outside }) => symlinkSync(join(outside, 'new'), victim),
  'hard link to a file outside': (victim, { outside }) => linkSync(join(outside, 'file'), victim),
  'empty directory': (victim) => mkdirSync(victim),
};

/** Every name, kind, mode, owner and content below a folder. */
export function picture(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mode, uid, gid } = lstatSync(path);
      const content = entry.isFile() ? readFileSync(path, 'utf8') : entry.isSymbolicLink() ? readlinkSync(path) : '';
      return `${path.slice(folder.length)} ${mode.toString(8)} ${uid}:${gid} ${content}`;
    })
    .concat(`. ${lstatSync(folder).mode.toString(8)}`)
    .sort();
}

export function makeWorld(): World & { readonly remove: () => void } {
  const root = mkdtempSync(`${tmpdir()}/drydock-beneath-`);
  const world = { inside: join(root, 'inside'), outside: join(root, 'outside') };
  for (const folder of [world.inside, `${world.outside}/b`, `${world.outside}/..data`]) mkdirSync(folder, { recursive: true });
  for (const file of ['file', 'b/file', '..data/file']) writeFileSync(join(world.outside, file), 'keep', { mode: 0o640 });
  return { ...world, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** What acts on a descriptor alone: whatever happens before it has happened before the next call too. */
const byDescriptor = new Set(['chmod', 'chown']);

/** Calls that let `before` act ahead of each, with its number. */
export function watchedCalls(before: (call: number) => void): FileCalls {
  let call = 0;
  return Object.fromEntries(
    Object.entries(nodeCalls).map(([name, real]) => [
      name,
      async (...args: unknown[]) => {
        if (!byDescriptor.has(name)) before(call++);
        return (real as (...all: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as FileCalls;
}

export interface Siege {
  readonly runs: number;
  /** What went wrong: `call, victim, swap: what changed outside, or an error that is no refusal`. */
  readonly damage: string[];
}

export interface SiegeOptions {
  /** Names of errors that are answers too. */
  readonly refusals?: readonly string[];
}

/** Runs the operation once for every call of it, every victim (a path below `inside`) and every swap. */
export async function besiege(
  operation: Operation,
  victims: readonly string[],
  { refusals = [] }: SiegeOptions = {},
): Promise<Siege> {
  const calls = await count(operation);
  const damage: string[] = [];
  let runs = 0;
  for (let at = 0; at < calls; at++)
    for (const [index, victim] of victims.entries())
      for (const [name, swap] of swapsAt(at + index)) {
        runs++;
        const said = await attack(operation, at, victim, swap, refusals);
        if (said !== undefined) damage.push(`before call ${at}, ${victim} becomes ${name}: ${said}`);
      }
  return { runs, damage };
}

/** All of them in the long form (`npm run siege`), two otherwise, others at the next call. */
function swapsAt(moment: number): [string, Swap][] {
  const all = Object.entries(swaps);
  return process.env.DRYDOCK_SIEGE === 'long' ? all : all.filter((_, index) => (index + moment) % 3 === 0);
}

async function count(operation: Operation): Promise<number> {
  const world = makeWorld();
  try {
    operation.prepare(world);
    let calls = 0;
    await operation.work(
      world,
      watchedCalls(() => calls++),
    );
    return calls;
  } finally {
    world.remove();
  }
}

async function attack(
  operation: Operation,
  at: number,
  victim: string,
  swap: Swap,
  refusals: readonly string[],
): Promise<string | undefined> {
  const world = makeWorld();
  try {
    operation.prepare(world);
    const before = picture(world.outside).join('\n');
    const act = (call: number): void => {
      if (call !== at) return;
      const path = join(world.inside, victim);
      if (existsSync(path) || isLink(path)) renameSync(path, `${path}-old`);
      else if (!existsSync(join(path, '..'))) return;
      swap(path, world);
    };
    let unexpected = '';
    await operation.work(world, watchedCalls(act)).catch((error: unknown) => {
      const isRefusal = error instanceof BeneathError || refusals.includes((error as Error).name);
      if (!isRefusal && systemCode(error) === '') unexpected = String(error);
    });
    if (unexpected !== '') return unexpected;
    const after = picture(world.outside).join('\n');
    return after === before ? undefined : `outside is now\n${after}`;
  } finally {
    world.remove();
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
