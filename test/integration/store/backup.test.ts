// Backups cross between ours and the original: files, and what is restored from them.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureBolt, writeBolt } from '@drydock/etcd/bbolt/writer.ts';
import { execa, execFileSync, spawnSync } from '@drydock/foundation/child-process.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StoreClient } from './client.ts';
import { grow, valueAt } from './cluster.ts';
import { Caller, contentOf, randomHistory } from './history.ts';
import { type PlannedMember, Store, type StoreOptions, until, upstreamProgram } from './members.ts';

const launcher = fileURLToPath(new URL('../../../drydock', import.meta.url));
const etcdutl = upstreamProgram('etcdutl');
const etcd = upstreamProgram('etcd') ?? '';
const debian = '/usr/bin/etcdctl';
const client = upstreamProgram('etcdctl') ?? (existsSync(debian) ? debian : undefined);
const ourTool = [launcher, 'run', 'etcdutl'];
const theirTool = [etcdutl ?? ''];
const minuteMs = 60_000;
const operations = 300;

let folder = '';
let cleanUps: (() => Promise<void> | void)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drydock-backup-'));
  cleanUps = [() => rmSync(folder, { recursive: true, force: true })];
});

afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

async function start(options: StoreOptions): Promise<Store> {
  const store = await Store.start(options);
  cleanUps.push(() => store.stop());
  return store;
}

function callerOf(store: Store, member = 0): Caller {
  const caller = new Caller(store.endpoint(member));
  cleanUps.push(() => caller.close());
  return caller;
}

function run(tool: readonly string[], ...args: string[]): string {
  const [program = '', ...first] = tool;
  return execFileSync(program, [...first, ...args], { encoding: 'utf8', stdio: 'pipe' });
}

async function save(store: Store, file: string): Promise<void> {
  await execa(client ?? '', ['snapshot', 'save', file], { env: { ...store.env, ETCDCTL_ENDPOINTS: store.endpoint(0) } });
}

const etcdctlOn =
  (store: Store) =>
  async (...args: string[]): Promise<string> =>
    (await execa(client ?? '', args, { env: store.env, extendEnv: false })).stdout;

/** Makes every member's data directory from the file. */
const restoredBy =
  (tool: readonly string[], file: string, ...more: string[]) =>
  (members: readonly PlannedMember[]): void => {
    for (const { name, dataDir, peerUrl, initialCluster } of members) {
      const urls = [`--initial-cluster=${initialCluster}`, `--initial-advertise-peer-urls=${peerUrl}`];
      run(tool, 'snapshot', 'restore', file, `--data-dir=${dataDir}`, `--name=${name}`, ...urls, ...more);
    }
  };

describe.skipIf(etcdutl === undefined)('with the original (DRYDOCK_UPSTREAM)', () => {
  test('a snapshot of etcd becomes three members of ours with the same content', { timeout: 2 * minuteMs }, async () => {
    const original = await start({ size: 1, program: [etcd] });
    await randomHistory(callerOf(original), 7, operations);
    const file = join(folder, 'snapshot.db');
    await save(original, file);
    const expected = await contentOf(callerOf(original));
    expect(expected.leases.length).toBeGreaterThan(2);

    const ours = await start({ size: 3, prepare: restoredBy(ourTool, file) });
    for (const member of [0, 1, 2]) {
      const caller = callerOf(ours, member);
      await until('the member has caught up', async () => (await contentOf(caller)).hash === expected.hash);
      expect(await contentOf(caller)).toEqual(expected);
    }
    const { header } = await callerOf(ours).put('after', 'restore');
    expect(header?.revision).toBe(expected.revision + 1);
    const hash = JSON.parse(run(ourTool, 'hashkv', file, '-w', 'json'));
    expect(hash).toEqual({
      hash: expected.hash,
      hashRevision: expected.revision,
      compactRevision: expected.compact_revision,
    });
  });

  test('a snapshot of ours becomes an etcd with the same content', { timeout: 2 * minuteMs }, async () => {
    const ours = await start({ size: 3 });
    await randomHistory(callerOf(ours), 8, operations);
    const file = join(folder, 'snapshot.db');
    await save(ours, file);
    const expected = await contentOf(callerOf(ours));
    const original = await start({ size: 1, program: [etcd], prepare: restoredBy(theirTool, file) });
    expect(await contentOf(callerOf(original))).toEqual(expected);
    const { header } = await callerOf(original).put('after', 'restore');
    expect(header?.revision).toBe(expected.revision + 1);
    await callerOf(original).compact(expected.revision);
  });

  const both = [
    { from: 'etcd', to: 'ours', program: [etcd], tool: ourTool, next: {} },
    { from: 'ours', to: 'etcd', program: undefined, tool: theirTool, next: { program: [etcd] } },
  ];
  test.each(both)('users, roles and their passwords go from $from to $to', { timeout: minuteMs }, async (way) => {
    const store = await start({ size: 1, ...(way.program === undefined ? {} : { program: way.program }) });
    const ctl = etcdctlOn(store);
    await ctl('user', 'add', 'root:top');
    await ctl('user', 'add', 'alice:secret');
    await ctl('role', 'add', 'reader');
    await ctl('role', 'grant-permission', 'reader', 'read', '/a/', '--prefix=true');
    await ctl('user', 'grant-role', 'alice', 'reader');
    await ctl('user', 'grant-role', 'root', 'root');
    await ctl('put', '/a/key', 'value');
    await ctl('auth', 'enable');
    const file = join(folder, 'snapshot.db');
    await ctl('snapshot', 'save', file, '--user=root:top');

    const next = etcdctlOn(await start({ size: 1, ...way.next, prepare: restoredBy(way.tool, file) }));
    await until('a leader', () => next('get', '/a/key', '--user=root:top').then(Boolean, () => false));
    expect(await next('get', '/a/key', '--user=alice:secret')).toBe('/a/key\nvalue');
    await expect(next('put', '/a/key', 'x', '--user=alice:secret')).rejects.toThrow('permission denied');
    await expect(next('get', '/a/key')).rejects.toThrow('user name is empty');
    await expect(next('get', '/a/key', '--user=alice:wrong')).rejects.toThrow('invalid user ID or password');
    const of = async (run: typeof ctl) => (await run('auth', 'status', '--user=root:top')).split('\n')[0];
    expect(await of(next)).toBe(await of(ctl));
  });

  test('both tools say the same of a file, and refuse the same', { timeout: minuteMs }, async () => {
    const original = await start({ size: 1, program: [etcd] });
    await randomHistory(callerOf(original), 9, 50);
    const file = join(folder, 'snapshot.db');
    await save(original, file);
    const theirs = JSON.parse(run(theirTool, 'snapshot', 'status', file, '-w', 'json'));
    expect(JSON.parse(run(ourTool, 'snapshot', 'status', file, '-w', 'json'))).toEqual({ ...theirs, version: '' });

    execFileSync('truncate', ['-s', '-32', file]);
    const missing = refusals('snapshot', 'restore', file, '--data-dir', join(folder, 'missing'));
    expect(missing.ours).toEqual(missing.theirs);
    writeFileSync(file, Buffer.alloc(32, 7), { flag: 'a' });
    const wrong = refusals('snapshot', 'restore', file, '--data-dir', join(folder, 'wrong'));
    expect(wrong.ours).toEqual(wrong.theirs);
    expect(wrong.ours.error).toMatch(/^Error: expected sha256 \[7 7 7 /);
    for (const args of [
      ['snapshot', 'restore', file, '--data-dir', folder],
      ['snapshot', 'restore', file, '--data-dir', join(folder, 'x'), '--bump-revision', '5'],
      ['snapshot', 'restore', file, '--data-dir', join(folder, 'x'), '--name', 'nobody'],
      ['snapshot', 'status', join(folder, 'nothing')],
      ['snapshot', 'status'],
      ['snapshot', 'status', file, '-w', 'protobuf'],
      ['no-such-command'],
    ]) {
      const { ours, theirs: original } = refusals(...args);
      expect(ours, args.join(' ')).toEqual(original);
    }
  });
  test('etcdutl finds nothing wrong with a database of our writing', () => {
    const revisions = Array.from({ length: 20_000 }, (_, i) => {
      const key = Buffer.alloc(17);
      key.writeBigUInt64BE(BigInt(i + 2));
      key[8] = 0x5f;
      // Some are larger than a page.
      return { key, value: Buffer.alloc(i % 5000 === 7 ? 50_000 : 100, i) };
    });
    const buckets = [
      { name: 'meta', records: () => [] },
      { name: 'key', records: () => revisions },
      { name: 'lease', records: () => [{ key: Buffer.alloc(8, 1), value: Buffer.alloc(0) }] },
    ];
    const measuring = measureBolt(buckets);
    let step = measuring.next();
    while (step.done !== true) step = measuring.next();
    const file = Buffer.concat(Array.from(writeBolt(buckets, step.value), (page) => Buffer.from(page)));
    writeFileSync(join(folder, 'db'), file);
    const args = ['snapshot', 'status', join(folder, 'db'), '-w', 'json'];
    const status = JSON.parse(execFileSync(theirTool[0] ?? '', args, { encoding: 'utf8' }));
    expect(status).toMatchObject({ revision: 20_001, totalKey: 20_001, totalSize: file.length });
  });
});

test.skipIf(client === undefined)(
  'a member that joins a restored store gets what was restored',
  { timeout: minuteMs },
  async () => {
    const first = await start({ size: 1, tls: true });
    const ctl = etcdctlOn(first);
    await ctl('put', 'k', 'restored');
    const file = join(folder, 'snapshot.db');
    await save(first, file);
    const store = await start({ size: 1, tls: true, prepare: restoredBy(ourTool, file) });
    const members = new StoreClient(store);
    cleanUps.push(() => members.close());
    await until('a leader', () => members.put('after', 'restore'));
    const { index } = await grow(store, members);
    await until('the new member has everything', () => members.agree());
    expect(await valueAt(members, index, 'k', true)).toBe('restored');
  },
);

test.skipIf(client === undefined)(
  'an old snapshot under running watchers: they learn that their revision is gone, and revisions never go back',
  { timeout: 2 * minuteMs },
  async () => {
    const store = await start({ size: 3 });
    const before = callerOf(store);
    await before.put('k', 'old');
    const file = join(folder, 'snapshot.db');
    await save(store, file);
    const watch = execa(client ?? '', ['watch', 'k', '--rev=1'], { env: store.env, reject: false });
    cleanUps.push(() => void watch.kill());
    let seen = '';
    watch.stdout?.on('data', (text) => {
      seen += text;
    });
    const { header } = await before.put('k', 'lost');
    const lost = header?.revision ?? 0;
    await until('the watcher has the newest value', () => seen.includes('lost'));

    for (const member of [0, 1, 2]) await store.stopMember(member, 'SIGKILL');
    for (const { dataDir } of store.planned) rmSync(dataDir, { recursive: true });
    restoredBy(ourTool, file, '--bump-revision=1000000000', '--mark-compacted')(store.planned);
    for (const member of [0, 1, 2]) store.startMember(member);
    await store.ready();

    let { stderr } = await watch;
    // etcdctl gives up where it meets a member before there is a leader; then one goes on by hand where it was.
    while (stderr.includes('no leader')) {
      const again = await execa(client ?? '', ['watch', 'k', `--rev=${lost + 1}`], { env: store.env, reject: false });
      stderr = again.stderr;
    }
    expect(stderr).toContain('required revision has been compacted');
    const after = callerOf(store);
    await until('a leader', () => after.put('k', 'again').then(Boolean, () => false));
    const content = await contentOf(after);
    expect(content.revision).toBeGreaterThan(1_000_000_000 + lost - 1);
    expect(content.compact_revision).toBe(1_000_000_000 + lost - 1);
    expect(seen).not.toContain('again');
  },
);

/** The error lines and exit codes of both tools. */
function refusals(...args: string[]) {
  const [ours, theirs] = [ourTool, theirTool].map(([program = '', ...first]) => {
    const { status, stderr } = spawnSync(program, [...first, ...args], { encoding: 'utf8' });
    return { status, error: stderr.split('\n').filter((line) => line.startsWith('Error:'))[0] };
  });
  if (ours === undefined || theirs === undefined) throw new Error('two tools');
  return { ours, theirs };
}
