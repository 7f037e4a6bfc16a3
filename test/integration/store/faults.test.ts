// What a store of three processes survives, with TLS as the lab runs it.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from '@drydock/foundation/child-process.ts';
import { describe, expect, test } from 'vitest';
import { firstIndex, memberStatus } from './cluster.ts';
import { storesOfTest } from './fixture.ts';
import { exitOf, until } from './members.ts';
import { missing, Stream } from './stream.ts';

const minuteMs = 60_000;
/** How long an ongoing stream of writes may stand still when the leader is killed. */
const gapMaxMs = 3_000;

const stores = storesOfTest();
const start = (flags: readonly string[] = []) => stores.start({ size: 3, tls: true, flags });

describe('a store of three', () => {
  test('kill -9 of the leader: writes go on within 3 s, nothing acknowledged is lost', { timeout: minuteMs }, async () => {
    const { store, client } = await start();
    const stream = new Stream(client, 'a');
    await until('writes flow', () => stream.acknowledged.length > 50);
    const leader = await client.leader();
    stream.mark();
    await store.stopMember(leader, 'SIGKILL');
    const before = stream.acknowledged.length;
    await until('writes go on', () => stream.acknowledged.length > before + 50);
    const acknowledged = await stream.stop();
    expect(stream.longestMs).toBeLessThan(gapMaxMs);
    store.startMember(leader);
    await store.ready();
    await until('the killed member has caught up', () => client.agree());
    expect(await missing(client, acknowledged)).toEqual([]);
  });

  test('kill -9 of all at once: nothing acknowledged is lost', { timeout: minuteMs }, async () => {
    const { store, client } = await start();
    const streams = [0, 1, 2, 3].map((i) => new Stream(client, `s${i}-`));
    await until('writes flow', () => streams.every((stream) => stream.acknowledged.length > 50));
    await Promise.all([0, 1, 2].map((i) => store.stopMember(i, 'SIGKILL')));
    const acknowledged = (await Promise.all(streams.map((stream) => stream.stop()))).flat();
    for (const i of [0, 1, 2]) store.startMember(i);
    await store.ready();
    await until('the store answers', () => client.put('after', ''));
    expect(await missing(client, acknowledged)).toEqual([]);
    await until('the members agree', () => client.agree());
  });

  test('a member that lags behind the log gets a snapshot, and another one', { timeout: minuteMs }, async () => {
    const { store, client } = await start(['--snapshot-count=100', '--experimental-snapshot-catchup-entries=10']);
    const leader = await client.leader();
    const lagging = (leader + 1) % 3;
    const acknowledged: string[] = [];
    for (const round of [1, 2]) {
      await store.stopMember(lagging, 'SIGKILL');
      const behind = (await memberStatus(client, leader))?.raftIndex ?? 0;
      const stream = new Stream(client, `k${round}-`);
      await until('the log is cut behind what the other has', () =>
        [0, 1, 2].every((i) => i === lagging || firstIndex(store, i) > behind + 1),
      );
      acknowledged.push(...(await stream.stop()));
      store.startMember(lagging);
      await store.ready();
      await until('it has caught up', () => client.agree());
      await until('its log says so', () => [...store.log(lagging).matchAll(/installed a snapshot/g)].length >= round);
    }
    expect(await missing(client, acknowledged)).toEqual([]);
  });

  test('SIGTERM under load: exit code 0, nothing acknowledged is lost', { timeout: minuteMs }, async () => {
    const { store, client } = await start();
    const streams = [0, 1, 2, 3].map((i) => new Stream(client, `s${i}-`));
    await until('writes flow', () => streams.every((stream) => stream.acknowledged.length > 50));
    const codes = await Promise.all([0, 1, 2].map((i) => store.stopMember(i, 'SIGTERM')));
    expect(codes).toEqual([0, 0, 0]);
    const acknowledged = (await Promise.all(streams.map((stream) => stream.stop()))).flat();
    for (const i of [0, 1, 2]) store.startMember(i);
    await store.ready();
    await until('the store answers', () => client.put('after', ''));
    expect(await missing(client, acknowledged)).toEqual([]);
  });
});

/** The log's segments are allocated in full, 16 MB each. */
const diskMegabytes = 64;
const ballastBytes = 16 << 20;
const isRoot = process.getuid?.() === 0 && existsSync('/proc/mounts');

describe.skipIf(!isRoot)(`a full disk (${isRoot ? 'as root' : 'needs root, for a small file system'})`, () => {
  test('ends the member with a message; with space again it has all it acknowledged', { timeout: minuteMs }, async () => {
    const mount = mkdtempSync(join(tmpdir(), 'drydock-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m`, 'drydock-disk', mount]);
    stores.atEnd(() => {
      execFileSync('umount', ['-l', mount]);
      rmSync(mount, { recursive: true });
    });
    const ballast = join(mount, 'ballast');
    writeFileSync(ballast, Buffer.alloc(ballastBytes));
    const { store, client } = await stores.start({ size: 1, firstDataDir: join(mount, 'data') });
    const child = store.members[0]?.process;
    if (child === undefined || child === null) throw new Error('the member has no process');
    const value = 'x'.repeat(100_000);
    const acknowledged: string[] = [];
    for (let i = 0; child.exitCode === null; i++) if (await client.put(`k${i}`, value)) acknowledged.push(`k${i}`);
    expect(await exitOf(child)).not.toBe(0);
    expect(store.log(0)).toMatch(/no space left on the disk/);
    expect(acknowledged.length).toBeGreaterThan(10);

    rmSync(ballast);
    store.startMember(0);
    await store.ready();
    await until('the store answers', () => client.put('after', ''));
    expect(await missing(client, acknowledged)).toEqual([]);
  });
});
