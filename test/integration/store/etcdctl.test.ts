// Real etcdctl on our store: the answers are the original's, which the transcripts were recorded on (record.ts). Sessions of one
// member go on side by side, each on a store of its own: one alone keeps one processor busy at a time, with etcdctl or with its member.
// Those of several members go on alone: members that wait too long for a processor elect another leader, which the answers would tell.

import { readFileSync } from 'node:fs';
import { execa } from '@drydock/foundation/child-process.ts';
import { describe, expect, test } from 'vitest';
import { parseSession } from '../../golden/transcript.ts';
import { Store, until, upstreamProgram } from './members.ts';
import { etcdctlVersion, playEtcdctl, type Script, scripts, sessionFile, startFor } from './session.ts';

const debian = '/usr/bin/etcdctl';
const programs = [
  { name: '3.4', program: debian, absent: 'Debian package etcd-client is not installed' },
  { name: '3.5', program: upstreamProgram('etcdctl') ?? '', absent: 'DRYDOCK_UPSTREAM is not set' },
];
const minuteMs = 60_000;
const isAlone = ({ size = 1 }: Script): boolean => size === 1;
const versions = await Promise.all(programs.map(({ program }) => etcdctlVersion(program || 'none')));

for (const [i, { name, program, absent }] of programs.entries()) {
  const skip = versions[i] === name ? undefined : absent;
  const answersAsTheOriginal = async (script: Script): Promise<void> => {
    const store = await startFor(script);
    try {
      const recorded = parseSession(readFileSync(sessionFile(script, name), 'utf8'));
      const played = await playEtcdctl(script, program, store);
      expect(played.steps).toEqual(recorded.steps);
    } finally {
      await store.stop();
    }
  };

  describe.skipIf(skip !== undefined).concurrent(`etcdctl ${name} (${skip ?? program}), one member`, () => {
    test.each(scripts.filter(isAlone))('$name answers as the original', { timeout: 2 * minuteMs }, answersAsTheOriginal);
  });

  describe.skipIf(skip !== undefined)(`etcdctl ${name} (${skip ?? program}), several members`, () => {
    const together = scripts.filter((script) => !isAlone(script));
    test.each(together)('$name answers as the original', { timeout: 2 * minuteMs }, answersAsTheOriginal);

    test.each([{ tls: false }, { tls: true }])('endpoint --cluster, tls $tls', { timeout: minuteMs }, async ({ tls }) => {
      const store = await Store.start({ size: 3, tls });
      try {
        const env = { ...store.env, ETCDCTL_ENDPOINTS: store.endpoint(0) };
        const run = async (...words: string[]): Promise<string> => (await execa(program, words, { env })).stdout;
        await run('put', 'a', 'b');
        // A member is in the list from the start; where it serves, it says itself.
        await until(
          'all members have published',
          async () => (await run('member', 'list')).match(/https?:[^,]+, https?:/g)?.length === 3,
        );
        for (const endpoint of store.endpoints) {
          const read = await execa(program, ['get', 'a'], { env: { ...env, ETCDCTL_ENDPOINTS: endpoint } });
          expect(read.stdout).toBe('a\nb');
        }
        const health = JSON.parse(await run('endpoint', 'health', '--cluster', '-w', 'json')) as {
          endpoint: string;
          health: boolean;
        }[];
        expect(health.map((row) => row.endpoint).sort()).toEqual([...store.endpoints].sort());
        expect(health.every((row) => row.health)).toBe(true);

        const status = JSON.parse(await run('endpoint', 'status', '--cluster', '-w', 'json')) as {
          Endpoint: string;
          Status: { leader: number; header: { revision: number; member_id: number } };
        }[];
        expect(status.map((row) => row.Endpoint).sort()).toEqual([...store.endpoints].sort());
        expect(new Set(status.map((row) => row.Status.leader)).size).toBe(1);
        expect(new Set(status.map((row) => row.Status.header.member_id)).size).toBe(3);
        expect(status.map((row) => row.Status.header.revision)).toEqual([2, 2, 2]);

        const hashes = JSON.parse(await run('endpoint', 'hashkv', '--cluster', '-w', 'json')) as { HashKV: { hash: number } }[];
        expect(hashes).toHaveLength(3);
        expect(new Set(hashes.map((row) => row.HashKV.hash)).size).toBe(1);
      } finally {
        await store.stop();
      }
    });
  });
}
