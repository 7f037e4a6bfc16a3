// Only its own is destroyed: every verb, given hostile names, folders, records and links, with other labs and other checkouts
// beside it, for real in temporary folders. What belongs to nobody's lab, or to another's, is counted before and after.

import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from '@drydock/foundation/child-process.ts';
import { defaultConfig } from '@drydock/lab/config.ts';
import { explain, LabError } from '@drydock/lab/errors.ts';
import type { Lab } from '@drydock/lab/lab.ts';
import { writeRecord } from '@drydock/lab/machine/registry.ts';
import { type LabRecord, runName } from '@drydock/lab/owner.ts';
import { emptyState } from '@drydock/lab/state.ts';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { openLab, type Place } from './open-lab.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'drydock-own-')));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let root = '';
let count = 0;
beforeEach(() => makeWorld());
afterEach(() => rmSync(root, { recursive: true, force: true }));

const user = process.getuid?.() ?? 0;
const mine = () => join(root, 'checkout');
const other = () => join(root, 'other-checkout');
const registry = () => join(root, 'drydock');
const place = (): Place => ({ repo: mine(), registry: registry(), env: {} });

/** A world with what must never go: files of nobody's lab, two labs beside, one of them with the same name in another checkout. */
function makeWorld(): void {
  root = join(base, `w${count++}`);
  for (const folder of ['checkout/.git', 'precious/deep', 'other-checkout/.git', 'elsewhere'])
    mkdirSync(join(root, folder), { recursive: true });
  for (const file of ['checkout/.git/HEAD', 'checkout/README.md', 'precious/deep/file', 'precious/data', 'elsewhere/x'])
    writeFileSync(join(root, file), file);
  makeLab('lab', join(other(), '.drydock', 'lab'), other());
  makeLab('lab-b', join(mine(), '.drydock', 'lab-b'), mine());
}

function recordOf(name: string, dir: string, repo: string): LabRecord {
  return {
    version: 1,
    id: Buffer.from(dir).toString('hex').padEnd(16, '0').slice(-16),
    name,
    repo,
    dir,
    run: join(registry(), runName(name, dir)),
    user,
    network: 'loopback',
    madeDir: true,
    host: undefined,
    ranges: [],
    portBase: 20_000,
  };
}

function makeLab(name: string, dir: string, repo: string): LabRecord {
  mkdirSync(join(dir, 'data', 'etcd-1'), { recursive: true });
  mkdirSync(join(dir, 'workers', 'worker-1'), { recursive: true });
  writeFileSync(join(dir, 'data', 'etcd-1', 'db'), name);
  const record = recordOf(name, dir, repo);
  writeRecord(registry(), record);
  mkdirSync(record.run, { recursive: true });
  writeFileSync(join(record.run, 'sock'), '');
  const config = {
    ...defaultConfig,
    name,
    network: 'loopback',
    engine: 'hollow',
    ingress: 0,
    cloudControllerManagers: 0,
    metrics: 0,
    storage: 'none',
  } as const;
  writeFileSync(join(dir, 'state.json'), JSON.stringify(emptyState(config, { repo, dir, run: record.run }, '')));
  return record;
}

/** Every path below the world, with the content of files and the targets of links. */
function snapshot(): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (folder: string) => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const stat = lstatSync(path);
      if (stat.isDirectory()) {
        found.set(path, '/');
        walk(path);
      } else found.set(path, stat.isFile() ? readFileSync(path, 'utf8') : 'link');
    }
  };
  walk(root);
  return found;
}

/** How the folder that a verb is pointed at may be, and whether it is a lab of this command's, which `down` may remove. */
const folders: Readonly<Record<string, (dir: string) => boolean>> = {
  'not there': () => true,
  'an empty folder': (dir) => {
    mkdirSync(dir);
    return false;
  },
  'files of somebody': (dir) => {
    cpSync(join(root, 'precious'), dir, { recursive: true });
    return false;
  },
  'names as of a lab, without a record': (dir) => {
    mkdirSync(join(dir, 'data', 'etcd-1'), { recursive: true });
    writeFileSync(join(dir, 'data', 'etcd-1', 'db'), 'x');
    return false;
  },
  'a file': (dir) => {
    writeFileSync(dir, 'x');
    return false;
  },
  'a link to files of somebody': (dir) => {
    symlinkSync(join(root, 'precious'), dir);
    return false;
  },
  'a link to nothing': (dir) => {
    symlinkSync(join(root, 'nowhere'), dir);
    return false;
  },
  "a link to another checkout's lab": (dir) => {
    symlinkSync(join(other(), '.drydock', 'lab-o'), dir);
    makeLab('lab-o', join(other(), '.drydock', 'lab-o'), other());
    return false;
  },
  "a copy of another checkout's lab": (dir) => {
    cpSync(join(other(), '.drydock', 'lab'), dir, { recursive: true });
    return false;
  },
  'a lab of this checkout': (dir) => {
    makeLab('lab', dir, mine());
    return true;
  },
  'a lab of another name': (dir) => {
    makeLab('other', dir, mine());
    return false;
  },
  "another user's lab": (dir) => {
    const record = makeLab('lab', dir, mine());
    writeFileSync(join(dir, 'lab.json'), JSON.stringify({ ...record, user: user + 1 }));
    // Root may.
    return user === 0;
  },
  ...Object.fromEntries(
    [
      ['an empty record', ''],
      ['a truncated record', '{"version": 1, "name": "lab", "dir": "/'],
      ['a record of a later version', '{"version": 2}'],
      ['a record that is no object', '"lab"'],
    ].map(([what, text = '']) => [
      what,
      (dir: string) => {
        cpSync(join(root, 'precious'), dir, { recursive: true });
        writeFileSync(join(dir, 'lab.json'), text);
        return false;
      },
    ]),
  ),
  'a record that names other places': (dir) => {
    const record = makeLab('lab', dir, mine());
    rmSync(join(registry(), '.labs', `${runName('lab', dir)}.json`));
    writeFileSync(join(dir, 'lab.json'), JSON.stringify({ ...record, run: join(root, 'precious') }));
    return false;
  },
  'a lab with an unreadable state': (dir) => {
    makeLab('lab', dir, mine());
    writeFileSync(join(dir, 'state.json'), '{"version": 1, "config"');
    return true;
  },
  "a lab with another lab's state": (dir) => {
    makeLab('lab', dir, mine());
    cpSync(join(other(), '.drydock', 'lab', 'state.json'), join(dir, 'state.json'));
    return true;
  },
  'a lab with links in it': (dir) => {
    makeLab('lab', dir, mine());
    rmSync(join(dir, 'workers'), { recursive: true });
    symlinkSync(join(root, 'precious'), join(dir, 'workers'));
    symlinkSync(join(root, 'precious'), join(dir, 'data', 'etcd-2'));
    symlinkSync(join(root, 'precious', 'data'), join(dir, 'log'));
    return true;
  },
  'a lab whose run folder became a link': (dir) => {
    const record = makeLab('lab', dir, mine());
    rmSync(record.run, { recursive: true });
    symlinkSync(join(root, 'precious'), record.run);
    return false;
  },
  'a lab made before there were records': (dir) => {
    makeLab('lab', dir, mine());
    rmSync(join(dir, 'lab.json'));
    rmSync(join(registry(), '.labs', `${runName('lab', dir)}.json`));
    return true;
  },
  'files where a lab was': (dir) => {
    makeLab('lab', dir, mine());
    rmSync(dir, { recursive: true });
    cpSync(join(root, 'precious'), dir, { recursive: true });
    return false;
  },
  'a folder that may not be read': (dir) => {
    cpSync(join(root, 'precious'), dir, { recursive: true });
    chmodSync(dir, 0o000);
    return false;
  },
};

const aborted = AbortSignal.abort(new LabError('interrupted', 'stopped before anything was started'));
const loopback = { network: 'loopback', engine: 'hollow' } as const;
const verbs: Readonly<Record<string, (lab: Lab) => unknown>> = {
  up: (lab) => lab.up(loopback, { signal: aborted }),
  down: (lab) => lab.down(),
  start: (lab) => lab.start(['etcd-1'], { signal: aborted }),
  restart: (lab) => lab.restart(['etcd-1'], { signal: aborted }),
  kill: (lab) => lab.kill(['all']),
  pause: (lab) => lab.pause(['all']),
  resume: (lab) => lab.resume(['all']),
  status: (lab) => lab.view(),
  logs: (lab) => lab.logFiles('etcd-1'),
  partition: (lab) => lab.partition(['etcd-1', 'etcd-2']),
  heal: (lab) => lab.heal(),
  'snapshot save': (lab) => lab.saveSnapshot(join(root, 'saved.db')),
  'snapshot restore': (lab) => lab.restoreSnapshot(join(root, 'precious', 'data'), true, { signal: aborted }),
};
const hostileNames = [
  '',
  '.',
  '..',
  '../../y',
  '../precious',
  '/',
  'a/b',
  'Lab',
  '-rf',
  'lab\n',
  'lab\0',
  ' ',
  '*',
  'averylongname',
];
const hostileFolders = ['', '/', '/proc/x', '/dev/null', '/dev/null/x', 'a\0b'];

async function run(verb: string, chosen: { name?: string; dir?: string }): Promise<unknown> {
  try {
    await verbs[verb]?.(openLab(chosen, false, place()));
    return undefined;
  } catch (error) {
    // What the system refuses is one line on the command line, see `explain`.
    if (explain(error) !== undefined) return error;
    throw error;
  }
}

/** What was there and is not, or is another; what a lab may change of its own is left out. */
function lost(before: Map<string, string>, own: readonly string[]): string[] {
  const after = snapshot();
  return [...before]
    .filter(
      ([path, content]) => after.get(path) !== content && !own.some((mine) => path === mine || path.startsWith(`${mine}/`)),
    )
    .map(([path]) => path);
}

test.each(Object.keys(verbs))('%s of hostile names and folders is refused, and nothing is gone', async (verb) => {
  const before = snapshot();
  for (const name of hostileNames) expect(await run(verb, { name }), JSON.stringify(name)).toBeInstanceOf(LabError);
  for (const dir of hostileFolders.filter((dir) => verb !== 'down' || dir !== '/proc/x'))
    expect(await run(verb, { dir }), JSON.stringify(dir)).toBeInstanceOf(LabError);
  expect(lost(before, [])).toEqual([]);
  expect(snapshot().size).toBe(before.size);
});

test.each(Object.keys(folders))(
  'whatever verbs come upon %s, nothing of others is gone',
  async (what) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(verbs)), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (list, byDir) => {
          rmSync(root, { recursive: true, force: true });
          makeWorld();
          const dir = byDir ? join(root, 'elsewhere', 'place') : join(mine(), '.drydock', 'lab');
          const removable = folders[what]?.(dir) === true;
          const before = snapshot();
          const run_ = join(registry(), runName('lab', dir));
          // The lists of the machine's labs may change; each lab's own entry of it is the lab's.
          const own = removable ? [dir, run_, `${join(registry(), '.labs', runName('lab', dir))}.json`] : [];
          if (what.startsWith('a lab')) own.push(join(dir, 'state.json'));
          // Its folder is gone: what is left of that lab may go.
          if (what === 'files where a lab was') own.push(run_, `${join(registry(), '.labs', runName('lab', dir))}.json`);
          for (const verb of [...list, 'down']) {
            await run(verb, byDir ? { name: 'lab', dir } : { name: 'lab' });
            expect(lost(before, own), `${list.join(', ')}: at ${verb}`).toEqual([]);
          }
          if (removable) expect(existsSync(join(dir, 'data')), 'a lab of its own is gone').toBe(false);
        },
      ),
      { numRuns: 4 },
    );
  },
  60_000,
);

test("a name's lab in another checkout is named, and neither removed nor shadowed", async () => {
  const message = String(await run('down', { name: 'lab' }));
  expect(message).toContain(join(other(), '.drydock', 'lab'));
  expect(String(await run('status', { name: 'lab' }))).toContain(`--dir ${join(other(), '.drydock', 'lab')}`);
  expect(String(await run('start', { dir: join(other(), '.drydock', 'lab') }))).toContain(join(other(), 'drydock'));
  expect(await run('down', { dir: join(other(), '.drydock', 'lab') })).toBeUndefined();
  expect(existsSync(join(other(), '.drydock'))).toBe(false);
});

test("files that a user put into a lab's folder stay, and are named", async () => {
  const dir = join(mine(), '.drydock', 'lab');
  makeLab('lab', dir, mine());
  writeFileSync(join(dir, 'backup.db'), 'mine');
  expect((await openLab({ name: 'lab' }, false, place()).down()).kept).toEqual(['backup.db']);
  expect(readdirSync(dir)).toEqual(['backup.db']);
});

test.skipIf(process.platform !== 'linux')('down ends processes that carry the mark of its folder, and no others', async () => {
  const dir = join(mine(), '.drydock', 'lab');
  const record = makeLab('lab', dir, mine());
  const sleeper = (mark: string) =>
    spawn('sleep', ['60'], { env: { PATH: process.env.PATH ?? '', DRYDOCK_LAB: mark }, stdio: 'ignore' });
  const own = sleeper(dir);
  const others = [sleeper(`${dir}-b`), sleeper(join(other(), '.drydock', 'lab')), sleeper('')];
  try {
    // A recycled pid: recorded with another start time.
    const processes = Object.fromEntries(
      others.map((child, i) => [`etcd-${i + 1}`, { pid: child.pid, startTime: 1, startedAtMs: 1 }]),
    );
    const state = JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8'));
    writeFileSync(join(dir, 'state.json'), JSON.stringify({ ...state, processes }));
    await expect.poll(() => readFileSync(`/proc/${own.pid}/environ`, 'utf8')).toContain('DRYDOCK_LAB');
    const ended = new Promise((resolve) => own.once('exit', (_, signal) => resolve(signal)));
    await openLab({ name: 'lab' }, false, place()).down();
    expect(await ended).toBe('SIGKILL');
    expect(others.map((child) => child.exitCode ?? child.signalCode)).toEqual([null, null, null]);
    expect(existsSync(record.run)).toBe(false);
  } finally {
    for (const child of [own, ...others]) child.kill('SIGKILL');
  }
});
