// Backups cross between ours and the original: files, and what is restored from them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureBolt, writeBolt } from '@drydock/etcd/bbolt/writer.ts';
import { expect, test } from 'vitest';
import { upstreamProgram } from './members.ts';

const etcdutl = upstreamProgram('etcdutl');

test.skipIf(etcdutl === undefined)('etcdutl finds nothing wrong with a database of our writing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bbolt-'));
  try {
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
    const file = Buffer.concat([...writeBolt(buckets, step.value)]);
    writeFileSync(join(folder, 'db'), file);
    const args = ['snapshot', 'status', join(folder, 'db'), '-w', 'json'];
    const status = JSON.parse(execFileSync(etcdutl ?? '', args, { encoding: 'utf8' }));
    expect(status).toMatchObject({ revision: 20_001, totalKey: 20_001, totalSize: file.length });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
