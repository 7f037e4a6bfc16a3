// After the installation of the packages: the texts of the API, out of @kubernetes/client-node into libs/api/texts, which is not part
// of the repository. Where the package is not there, nor are the texts, and nothing fails.
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { renderColumnTexts } from './columns.ts';
import { generatedFolder, readModels } from './models.ts';
import { readFacts, renderDocs } from './schema.ts';

const folder = new URL('../texts/', import.meta.url);

if (isInstalled()) {
  const models = await readModels();
  mkdirSync(folder, { recursive: true });
  write('docs.json', renderDocs(models, readFacts()));
  write('columns.json', renderColumnTexts(models));
}

function isInstalled(): boolean {
  try {
    return existsSync(generatedFolder());
  } catch {
    return false;
  }
}

/** Whole or not at all: a server may read it meanwhile. */
function write(name: string, text: string): void {
  writeFileSync(new URL(`${name}.new`, folder), text);
  renameSync(new URL(`${name}.new`, folder), new URL(name, folder));
}
