// Joins the models of the package with facts.json into the structure (schema.json) and the texts (docs.json).
import { readFileSync } from 'node:fs';
import type { Model, ModelField } from './models.ts';

/** What facts.json says about one model; keys of `fields` values are the OpenAPI extensions without `x-kubernetes-`. */
export interface ModelFacts {
  readonly definition: string;
  readonly fields?: Readonly<Record<string, FieldFacts>>;
  readonly [extension: string]: unknown;
}

interface FieldFacts {
  readonly type?: string;
  readonly [extension: string]: unknown;
}

/** facts.json: for each served model its upstream definition name, and what its fields carry beyond name, type and text. */
export function readFacts(): Record<string, ModelFacts> {
  return JSON.parse(readFileSync(new URL('./facts.json', import.meta.url), 'utf8'));
}

/** One line per model: `{ definition, required, fields: { name: [type] | [type, extensions] }, ...model extensions }`. */
export function renderSchema(models: readonly Model[], facts: Readonly<Record<string, ModelFacts>>): string {
  return renderLines(models, facts, (model, known) => {
    const { fields: fieldFacts = {}, ...rest } = known;
    const fields: Record<string, unknown> = {};
    for (const field of model.fields) {
      const { type, ...extensions } = fieldFacts[field.name] ?? {};
      const spec = typeOf(field, type);
      fields[field.name] = Object.keys(extensions).length > 0 ? [spec, extensions] : [spec];
    }
    return { ...rest, required: model.fields.filter((f) => f.required).map((f) => f.name), fields };
  });
}

/** One line per model: `[text of the model, { field: text }]`. */
export function renderDocs(models: readonly Model[], facts: Readonly<Record<string, ModelFacts>>): string {
  return renderLines(models, facts, (model) => [
    text(model.doc),
    Object.fromEntries(model.fields.filter((f) => f.doc !== '').map((f) => [f.name, text(f.doc)])),
  ]);
}

function renderLines(
  models: readonly Model[],
  facts: Readonly<Record<string, ModelFacts>>,
  render: (model: Model, facts: ModelFacts) => unknown,
): string {
  const lines: string[] = [];
  for (const model of models) {
    const known = facts[model.name];
    if (known !== undefined) lines.push(`${JSON.stringify(model.name)}:${JSON.stringify(render(model, known))}`);
  }
  return `{\n${lines.join(',\n')}\n}\n`;
}

function text(doc: string): string {
  return doc.replaceAll("\\'", "'");
}

/** `[]T` and `{}T` around a scalar kind or `@Model`. `special` replaces what the package calls `any` or `string`. */
function typeOf(field: ModelField, special: string | undefined): string {
  return spell(field.type, field.format, special);
}

function spell(type: string, format: string, special: string | undefined): string {
  const array = /^Array<(.*)>$/.exec(type)?.[1];
  if (array !== undefined) return `[]${spell(array, format, special)}`;
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (map !== undefined) return `{}${spell(map, format, special)}`;
  if (special !== undefined) return special;
  switch (type) {
    case 'string':
      return format === 'byte' ? 'bytes' : 'string';
    case 'number':
      return format === 'double' ? 'double' : format === 'int64' ? 'int64' : 'int32';
    case 'boolean':
      return 'bool';
    case 'IntOrString':
      return 'intOrString';
    case 'Date':
      return 'time';
    case 'V1MicroTime':
      return 'microTime';
    case 'any':
      return 'JSON';
    default:
      return `@${type}`;
  }
}
