// Data directories that etcd itself has left become ours: nothing that etcd has acknowledged is lost, and every member has the same.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, execFileSync } from '@drydock/foundation/child-process.ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Caller, contentOf, randomHistory } from './history.ts';
import { ourProgram, Store, type StoreOptions, until, upstreamProgram } from './members.ts';

const etcd = upstreamProgram('etcd');
const etcdctl = upstreamProgram('etcdctl') ?? '';
/** 3.4: its snapshot restore makes a data directory of etcd. */
const debian = '/usr/bin/etcdctl';
const minuteMs = 60_000;
const operations = 300;

async function start(options: StoreOptions): Promise<Store> {
  const store = await Store.start(options);
  onTestFinished(() => store.stop());
  return store;
}

function callerOf(store: Store, member = 0): Caller {
  const caller = new Caller(store.endpoint(member));
  onTestFinished(() => caller.close());
  return caller;
}

/** Of the line that says so. */
function takenOver(store: Store, member: number): { entries: number; applied: number } {
  const line = store
    .log(member)
    .split('\n')
    .find((text) => text.includes("took over etcd's data directory"));
  return JSON.parse(line ?? 'null');
}

async function expectContent(store: Store, expected: Awaited<ReturnType<typeof contentOf>>): Promise<void> {
  for (const member of store.members.keys()) {
    const caller = callerOf(store, member);
    const hash = () =>
      contentOf(caller).then(
        (content) => content.hash,
        () => undefined,
      );
    await until('the member has caught up', async () => (await hash()) === expected.hash);
    expect(await contentOf(caller)).toEqual(expected);
  }
}

describe.skipIf(etcd === undefined)('with the original (DRYDOCK_UPSTREAM)', () => {
  test.each([
    { what: 'with a database that lags', flags: ['--backend-batch-interval=60s', '--backend-batch-limit=1000000'] },
    { what: 'with snapshots of its log', flags: ['--snapshot-count=20', '--experimental-snapshot-catchup-entries=5'] },
  ])('three members of etcd that were killed, $what, go on as ours', { timeout: 2 * minuteMs }, async ({ flags }) => {
    const store = await start({ size: 3, program: [etcd ?? ''], flags: [...flags, '--strict-reconfig-check=false'] });
    const ctl = (...args: string[]) => execa(etcdctl, args, { env: store.env, extendEnv: false });
    await ctl('role', 'add', 'reader');
    await ctl('role', 'grant-permission', 'reader', 'read', 'a', 'b');
    await randomHistory(callerOf(store), 21, operations);
    await ctl('user', 'add', 'alice:secret');
    await ctl('member', 'add', 'learner', '--learner', '--peer-urls=http://127.0.0.1:1');
    const expected = await contentOf(callerOf(store));
    const members = async () => (await ctl('member', 'list')).stdout;
    const before = await members();
    for (const member of [0, 1, 2]) await store.stopMember(member, 'SIGKILL');

    store.program = ourProgram;
    for (const member of [0, 1, 2]) store.startMember(member);
    await store.ready();
    await expectContent(store, expected);
    expect(await members()).toBe(before);
    expect((await ctl('role', 'get', 'reader')).stdout).toContain('[a, b)');
    expect((await ctl('user', 'list')).stdout).toBe('alice');
    // A compaction writes the database; what came after the last one is in the log only.
    if (flags[0]?.startsWith('--backend') === true) expect(takenOver(store, 0).entries).toBeGreaterThan(operations / 10);
    else expect(takenOver(store, 0).applied).toBeGreaterThan(operations / 2);

    const { header } = await callerOf(store).put('after', 'it');
    expect(header?.revision).toBe(expected.revision + 1);
    await store.stopMember(1, 'SIGKILL');
    store.startMember(1);
    await store.ready();
    await until('it is there again', () =>
      callerOf(store, 1)
        .put('again', 'it')
        .then(Boolean, () => false),
    );
    expect(store.planned.every(({ dataDir }) => existsSync(join(dataDir, 'member.etcd', 'snap', 'db')))).toBe(true);
  });

  test.skipIf(!existsSync(debian))("what etcd 3.4's snapshot restore makes is taken over", { timeout: minuteMs }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drydock-take-over-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'snapshot.db');
    const original = await start({ size: 1, program: [etcd ?? ''] });
    await randomHistory(callerOf(original), 22, operations);
    const expected = await contentOf(callerOf(original));
    execFileSync(etcdctl, ['snapshot', 'save', file], { env: original.env, stdio: 'pipe' });
    const ours = await start({
      size: 3,
      prepare: (members) => {
        for (const { name, dataDir, peerUrl, initialCluster } of members) {
          const urls = [`--initial-cluster=${initialCluster}`, `--initial-advertise-peer-urls=${peerUrl}`];
          const args = ['snapshot', 'restore', file, `--data-dir=${dataDir}`, `--name=${name}`, ...urls];
          execFileSync(debian, args, { env: { ETCDCTL_API: '3' }, stdio: 'pipe' });
        }
      },
    });
    await expectContent(ours, expected);
    const listed = await execa(etcdctl, ['member', 'list'], { env: ours.env, extendEnv: false });
    expect(listed.stdout.split('\n')).toHaveLength(3);
    await callerOf(ours, 2).put('after', 'it');
  });

  test('a directory that etcd has open is left alone', { timeout: minuteMs }, async () => {
    const store = await start({ size: 1, program: [etcd ?? ''] });
    const { dataDir = '' } = store.planned[0] ?? {};
    const [command = '', ...first] = ourProgram;
    const ended = await execa(command, [...first, `--data-dir=${dataDir}`, '--listen-peer-urls=http://127.0.0.1:0'], {
      reject: false,
    });
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toContain(`is in use by process ${store.pid(0)}`);
    expect(existsSync(join(dataDir, 'member.import'))).toBe(false);
  });
});
