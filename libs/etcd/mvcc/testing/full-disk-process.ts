// Commits until the disk has no room, and says so. `node full-disk-process.ts BACKEND-MODULE FOLDER SEED [BALLAST]`. It sends how
// many commits were made, and at last `refused`, where the backend had no room for one, or what else came of it. With BALLAST the disk is full at the worst
// moment of every commit, when the backend has looked at what is free, and free again after it; `done` after some of them.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';
import { SeededRandom } from '@drydock/foundation/random.ts';
import type { openLmdbBackend } from '../lmdb-backend.ts';

const [module = '', folder = '', seed = '', ballast] = process.argv.slice(2);
const { openLmdbBackend: open } = (await import(module)) as { openLmdbBackend: typeof openLmdbBackend };
const random = new SeededRandom(seed).stream('writes');
const valueBytesMax = 20_000;
const changesMax = 60;
const worstCommits = 60;

if (ballast !== undefined) fillAfterEveryLook(ballast);

try {
  const backend = open(folder);
  let main = 1;
  for (const { key, value } of backend.records('meta'))
    if (key.toString() === 'commits') main = Number(value.readBigUInt64BE());
  process.send?.(main);
  for (;;) {
    main++;
    backend.put(main, 0, false, Buffer.alloc(random.int(valueBytesMax), `${main} `));
    for (let i = random.int(changesMax); i > 0; i--) {
      if (random.int(3) === 0) backend.remove(1 + random.int(main), 0, false);
      else backend.setRecord('lease', `${random.int(3000)}`, Buffer.alloc(random.int(2500), `${main} `));
    }
    const mark = Buffer.alloc(8);
    mark.writeBigUInt64BE(BigInt(main));
    backend.setRecord('meta', 'commits', mark);
    await backend.commit();
    process.send?.(main);
    if (ballast === undefined) continue;
    fs.rmSync(ballast, { force: true });
    if (main > worstCommits) break;
  }
  end('done');
} catch (error) {
  end(/no space left/.test(String(error)) ? 'refused' : String(error));
}

/** Whoever has started this ends it: lmdb, after a commit that failed, may wait for ever on its way out. */
function end(how: string): void {
  process.send?.(how);
  setInterval(() => {}, 1 << 30);
}

function fillAfterEveryLook(file: string): void {
  const look = fs.statfsSync;
  const fill = (): void => {
    const fd = fs.openSync(file, 'w');
    try {
      for (let at = 0; ; ) at += fs.writeSync(fd, Buffer.alloc(1 << 16, 1), 0, 1 << 16, at);
    } catch {
      // Nothing is left.
    } finally {
      fs.closeSync(fd);
    }
  };
  const looked = ((path: string) => {
    const seen = look(path);
    fill();
    return seen;
  }) as typeof fs.statfsSync;
  fs.statfsSync = looked;
  syncBuiltinESMExports();
}
