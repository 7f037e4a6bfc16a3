// Our apiserver and everything behind it on the original etcd, three members of it: the same kubectl sessions, the same answers.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { upstreamProgram } from '../integration/store/members.ts';
import { expectGolden, goldenSessions } from './golden.ts';
import { drydock, e2eSkipReason } from './lab.ts';

const debian = '/usr/bin/etcd';
const etcd = upstreamProgram('etcd') ?? (existsSync(debian) ? debian : undefined);
const skip =
  e2eSkipReason ?? (etcd === undefined ? 'no etcd: DRYDOCK_UPSTREAM is not set, etcd-server not installed' : undefined);

const flags = ['--name', 'realetcd'];
/** Beside the suite's own lab on the same machine. */
const config = `
name: realetcd
fabricCidr: 10.230.7.0/24
clusterCidr: 10.60.0.0/16
profile: fast
programs:
  etcd: ${etcd}
`;

describe.skipIf(skip !== undefined)(`kubectl sessions on the original etcd (${skip ?? etcd})`, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'drydock-original-store-'));
  let kubeconfig = '';

  beforeAll(async () => {
    await drydock('down', ...flags);
    const file = join(scratch, 'lab.yaml');
    writeFileSync(file, config);
    const up = await drydock('up', '--config', file);
    expect(up.exitCode, up.all).toBe(0);
    kubeconfig = /KUBECONFIG=['"]?([^'"\n]+)/.exec((await drydock('env', ...flags)).all)?.[1] ?? '';
  });
  afterAll(async () => {
    rmSync(scratch, { recursive: true, force: true });
    if (skip !== undefined) return;
    const down = await drydock('down', ...flags);
    expect(down.exitCode, down.all).toBe(0);
  });

  test.each(goldenSessions)('%s', (file) => expectGolden(file, kubeconfig));
});
