// `npm run generate`: derives libs/api/generated from the models of @kubernetes/client-node.
import { writeFileSync } from 'node:fs';
import { readModels } from './models.ts';
import { renderTypes } from './types.ts';

const models = await readModels();
writeFileSync(new URL('../generated/types.ts', import.meta.url), renderTypes(models));
writeFileSync(
  new URL('../generated/models.json', import.meta.url),
  `[\n${models.map((model) => JSON.stringify(model)).join(',\n')}\n]\n`,
);
