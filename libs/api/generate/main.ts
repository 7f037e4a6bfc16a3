// `npm run generate`: derives libs/api/generated from @kubernetes/client-node and facts.json.
import { rmSync, writeFileSync } from 'node:fs';
import { readModels } from './models.ts';
import { readResources } from './resources.ts';
import { readFacts, renderSchema } from './schema.ts';
import { renderTypes } from './types.ts';

const models = await readModels();
const facts = readFacts();
const rows = readResources();
write('types.ts', renderTypes(models));
write('schema.json', renderSchema(models, facts));
write('resources.json', `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`);
rmSync(new URL('../generated/models.json', import.meta.url), { force: true });

function write(name: string, text: string): void {
  writeFileSync(new URL(`../generated/${name}`, import.meta.url), text);
}
