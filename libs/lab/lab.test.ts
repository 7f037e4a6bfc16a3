// What verbs refuse on a lab that runs, and what a failed `up` leaves: with a sleeping process in the place of a member.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from '@drydock/foundation/child-process.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { completeConfig } from './config.ts';
import { explain } from './errors.ts';
import { Lab } from './lab.ts';
import { bootId, identify, viewProcess } from './machine/proc.ts';
import { writeRecord } from './machine/registry.ts';
import { writeState } from './machine/state-file.ts';
import { storeClientFiles } from './older-lab.ts';
import { runName } from './owner.ts';
import { emptyState } from './state.ts';

let root = '';
let lab: Lab;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'drydock-lab-')));
  const dir = join(root, 'lab');
  const registry = join(root, 'drydock');
  lab = new Lab('lab', {
    paths: { repo: root, dir, run: join(registry, runName('lab', dir)) },
    registry,
    clock: new SystemClock(),
    random: new SystemRandom(),
    compileCache: root,
    imageCache: root,
  });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const loopback = { network: 'loopback', engine: 'hollow', portBase: 29_000 } as const;
const refusal = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'nothing was refused';
  } catch (error) {
    return explain(error) ?? `not explained: ${String(error)}`;
  }
};
const everything = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' });

test('a failed up that started nothing records nothing: other ports may be asked for', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(29_010, '127.0.0.1', resolve));
  try {
    expect(await refusal(lab.up(loopback))).toMatch(/etcd-1: port 29010 on 127.0.0.1 is taken.*--port-base/);
    expect(everything(root)).toEqual([]);
  } finally {
    server.close();
  }
  const stop = AbortSignal.abort(new Error('stopped'));
  for (const asked of [
    { ...loopback, programs: { foo: ['sh'] } },
    { ...loopback, programs: { etcd: ['/nope'] } },
    { ...loopback, programs: { 'etcd-9': ['sh'] } },
    { ...loopback, workers: 1000 },
  ])
    await expect(lab.up(asked, { signal: stop })).rejects.toThrow(/expected|unknown program|no such program/);
  expect(everything(root)).toEqual([]);
});

describe.skipIf(process.platform !== 'linux')('a lab that runs', { timeout: 30_000 }, () => {
  let child: ReturnType<typeof spawn>;
  beforeEach(() => {
    const { paths, registry } = lab.context;
    const record = {
      version: 1,
      id: '0123456789abcdef',
      name: 'lab',
      ...paths,
      user: process.getuid?.() ?? 0,
      network: 'loopback',
      madeDir: true,
      host: undefined,
      ranges: [],
      portBase: 29_000,
    } as const;
    mkdirSync(join(paths.dir, 'log'), { recursive: true });
    writeRecord(registry, record);
    child = spawn('sleep', ['60'], { stdio: 'ignore' });
    const id = identify(child.pid ?? 0);
    if (id === undefined) throw new Error('no process');
    const config = completeConfig({ ...loopback, name: 'lab' });
    writeState(paths.dir, { ...emptyState(config, paths, bootId()), processes: { 'etcd-1': { ...id, startedAtMs: 0 } } });
  });
  afterEach(() => child.kill('SIGKILL'));
  const state = () => readFileSync(join(root, 'lab', 'state.json'), 'utf8');

  test('other settings than those that processes run with are refused, and not recorded', async () => {
    const { paths } = lab.context;
    const { processes } = JSON.parse(state());
    writeState(paths.dir, { ...JSON.parse(state()), processes: { ...processes, 'scheduler-1': processes['etcd-1'] } });
    const before = state();
    expect(await refusal(lab.up({ profile: 'fast' }))).toMatch(/^scheduler-1: running, with other settings/);
    for (const asked of [
      { timings: { 'heartbeat-interval': '50' } },
      { programs: { etcd: ['sh'] } },
      { flags: { 'etcd-1': ['--x'] } },
    ] as const)
      expect(await refusal(lab.up(asked)), JSON.stringify(asked)).toMatch(/etcd-1: running, with other settings.*kill --all/);
    expect(await refusal(lab.up({ etcd: 5 }))).toMatch(/lab lab exists with etcd 3/);
    expect(await refusal(lab.up({ programs: { foo: ['sh'] } }))).toMatch(
      /programs.foo: unknown program or process \(one of: etcd/,
    );
    expect(await refusal(lab.up({ programs: { etcd: ['/nope'] } }))).toMatch(/etcd: no such program: \/nope/);
    expect(state()).toBe(before);
  });

  test('processes that an older version started with one authority go on; nothing is started beside them, nothing stopped', async () => {
    const pki = join(root, 'lab', 'pki');
    mkdirSync(pki);
    writeFileSync(join(pki, 'ca.crt'), '');
    const older = /^lab lab was started by an older version.*`drydock kill --all` first, then `drydock up`/;
    for (const work of [() => lab.up({}), () => lab.start(['scheduler-1']), () => lab.restart(['etcd-1'])])
      expect(await refusal(work())).toMatch(older);
    expect(viewProcess(child.pid ?? 0)?.state).toBe('running');
    expect(storeClientFiles(lab.context.paths)).toEqual({
      authority: join(pki, 'ca.crt'),
      certificate: join(pki, 'etcdctl-client.crt'),
      key: join(pki, 'etcdctl-client.key'),
    });
    expect(everything(pki)).toEqual(['ca.crt']);
  });

  test('a paused process is not called running: start and up say that it is paused, resume tells whom it reached', async () => {
    expect(await lab.resume(['etcd-1'])).toEqual([]);
    expect(await lab.pause(['all'])).toEqual(['etcd-1']);
    await expect.poll(() => viewProcess(child.pid ?? 0)?.state).toBe('stopped');
    expect(await refusal(lab.start(['etcd-1']))).toMatch(/etcd-1: paused; `drydock resume etcd-1`/);
    expect(await refusal(lab.up({}))).toMatch(/etcd-1: paused/);
    expect(await lab.resume(['etcd-1', 'etcd-2'])).toEqual(['etcd-1']);
  });

  test('status says that the lab itself has killed a process, and what one said that ended by itself', async () => {
    writeFileSync(join(root, 'lab', 'log', 'etcd-1.log'), '{"level":"fatal","msg":"lost its lease"}\n');
    expect(await lab.kill(['etcd-1', 'etcd-2'])).toEqual(['etcd-1']);
    const reasonOf = async () => (await lab.status()).processes.find((entry) => entry.name === 'etcd-1')?.reason;
    expect(await reasonOf()).toMatch(/^SIGKILL by `drydock` \d+ s ago$/);
    rmSync(join(root, 'lab', 'log', 'etcd-1.signal'));
    expect(await reasonOf()).toBe('last said: lost its lease');
    expect((await lab.status()).notes).toEqual([expect.stringMatching(/^the store has no quorum: 0 of 3/)]);
  });

  test('restart stops nothing where it cannot record what it starts', async () => {
    // A folder in the place of the file that the next state is written to: a full or a read-only disk does the same.
    mkdirSync(join(root, 'lab', 'state.json.tmp'));
    chmodSync(join(root, 'lab', 'state.json.tmp'), 0o500);
    expect(await refusal(lab.restart(['etcd-1']))).toMatch(/state\.json\.tmp: is a folder/);
    expect(viewProcess(child.pid ?? 0)?.state).toBe('running');
    expect(existsSync(join(root, 'lab', 'lock'))).toBe(false);
  });

  test.each(['{"version":1}', '{"version":0,"config":{}}', '[]', '', '{"version":1,"config":{"etcd":"three"}}'])(
    'a state that says %j is one line for every verb, and down removes the lab',
    async (text) => {
      writeFileSync(join(root, 'lab', 'state.json'), text);
      for (const work of [() => lab.status(), () => lab.kill(['all']), () => lab.start(['etcd-1']), () => lab.up({})])
        expect(await refusal((async () => work())())).toMatch(/state\.json is not a lab's state.*drydock down/);
      await lab.down();
      expect(existsSync(join(root, 'lab'))).toBe(false);
    },
  );
});
