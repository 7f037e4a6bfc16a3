// Loads every module of the project once, so that Node's compile cache has them all. A single file that is not there makes a
// process load the type stripper: 22 MB that stay, and 200 ms.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const libs = fileURLToPath(new URL('../../libs', import.meta.url));
const skipped = /\.test\.ts$|\/(?:testing|generate|generated|node_modules)\//;
for (const name of readdirSync(libs, { recursive: true, encoding: 'utf8' }).sort()) {
  const file = join(libs, name);
  if (!file.endsWith('.ts') || skipped.test(file)) continue;
  const loaded = import(pathToFileURL(file).href);
  // The program of a thread is compiled too; then it ends, for want of a task.
  await (file.endsWith('-worker.ts') ? loaded.catch(() => {}) : loaded);
}
