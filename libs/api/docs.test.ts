// The texts are others': derived from their package, of use where they are, missed by nobody where they are not.
import { expect, test } from 'vitest';
import { type ModelDocs, noTexts, readDocs } from './docs.ts';
import { renderColumnTexts } from './generate/columns.ts';
import { readModels } from './generate/models.ts';
import { readFacts, renderDocs } from './generate/schema.ts';
import { openApiV3 } from './openapi/v3.ts';

type Docs = Readonly<Record<string, readonly [string, Readonly<Record<string, string>>]>>;

interface Document {
  readonly components: {
    readonly schemas: Readonly<
      Record<string, { readonly description?: string; readonly properties: Readonly<Record<string, { description?: string }>> }>
    >;
  };
}

test('texts are derived for every model and every column', async () => {
  const models = await readModels();
  const docs = JSON.parse(renderDocs(models, readFacts())) as Docs;
  expect(Object.keys(docs).sort()).toEqual(Object.keys(readFacts()).sort());
  const [model, fields] = docs.V1DeploymentStrategy ?? ['', {}];
  expect([model, fields.type]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)]);
  const columns = JSON.parse(renderColumnTexts(models)) as Readonly<Record<string, string>>;
  expect(columns['@V1ObjectMeta.name']).toMatch(/\w/);
}, 60_000);

const specOf = (docs: (model: string) => ModelDocs) =>
  (JSON.parse(openApiV3('apis/apps/v1', docs) ?? '') as Document).components.schemas;

test('a field of a type of its own has that text once', () => {
  const schemas = specOf((model) => ({ model: `text of ${model}`, fields: { paused: 'text of the field' } }));
  const spec = schemas['io.k8s.api.apps.v1.DeploymentSpec'];
  expect(spec?.properties.paused?.description).toBe('text of the field');
  expect(spec?.properties.strategy?.description).toBeUndefined();
  expect(schemas['io.k8s.api.apps.v1.DeploymentStrategy']?.description).toBe('text of V1DeploymentStrategy');
});

test('without texts a type says that there are none', () => {
  const schemas = specOf(readDocs(new URL('file:///there/is/none/')));
  expect(schemas['io.k8s.api.apps.v1.DeploymentSpec']?.description).toBe(noTexts);
});
