// Commits until the disk has no room, and says so. `node full-disk-process.ts BACKEND-MODULE FOLDER SEED`. Exit status 3: the backend
// has refused a commit for want of space. It sends how many commits were made.
import process from 'node:process';
import { SeededRandom } from '@drydock/foundation/random.ts';
import type { openLmdbBackend } from '../lmdb-backend.ts';

const [module = '', folder = '', seed = ''] = process.argv.slice(2);
const { openLmdbBackend: open } = (await import(module)) as { openLmdbBackend: typeof openLmdbBackend };
const random = new SeededRandom(seed).stream('writes');
const valueBytesMax = 20_000;
const changesMax = 60;
const refused = 3;

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
  }
} catch (error) {
  process.exitCode = /no space left/.test(String(error)) ? refused : 1;
  if (process.exitCode === 1) process.stderr.write(`${String(error)}\n`);
  process.disconnect?.();
  // lmdb's threads are not waited for.
  setImmediate(() => process.exit());
}
