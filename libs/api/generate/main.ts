// `npm run generate`: derives libs/api/generated from @kubernetes/client-node and facts.json.
import { rmSync, writeFileSync } from 'node:fs';
import { renderColumns } from './columns.ts';
import { readModels } from './models.ts';
import { readResources } from './resources.ts';
import { readFacts, renderDocs, renderSchema } from './schema.ts';
import { renderTypes } from './types.ts';

const models = await readModels();
const facts = readFacts();
const rows = readResources();
write('types.ts', renderTypes(models));
write('schema.json', renderSchema(models, facts));
write('docs.json', renderDocs(models, facts));
write('columns.json', renderColumns(models));
write('resources.json', `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`);
rmSync(new URL('../generated/models.json', import.meta.url), { force: true });

function write(name: string, text: string): void {
  writeFileSync(new URL(`../generated/${name}`, import.meta.url), text);
}
