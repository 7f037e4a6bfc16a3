// Reads the models of @kubernetes/client-node (attribute maps and declarations) into plain data.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** One field of a model. `type` is the package's own notation: `string`, `V1Pod`, `Array<V1Pod>`, `{ [key: string]: string; }`. */
export interface ModelField {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly required: boolean;
  readonly doc: string;
}

export interface Model {
  readonly name: string;
  readonly doc: string;
  readonly fields: readonly ModelField[];
}

/** The folder with the generated code of the package. */
export function generatedFolder(): string {
  const entry = createRequire(import.meta.url).resolve('@kubernetes/client-node');
  return join(dirname(entry), 'gen');
}

interface Attribute {
  readonly name: string;
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}

/** Every model of the package, in the order of their names. */
export async function readModels(): Promise<Model[]> {
  const folder = join(generatedFolder(), 'models');
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.d.ts'))
    .map((file) => file.slice(0, -'.d.ts'.length))
    .filter((name) => name !== 'all' && name !== 'ObjectSerializer')
    .sort();
  const models: Model[] = [];
  for (const name of names) {
    const module = await import(pathToFileURL(join(folder, `${name}.js`)).href);
    const attributes: Attribute[] = module[name]?.attributeTypeMap ?? [];
    const declaration = readFileSync(join(folder, `${name}.d.ts`), 'utf8');
    models.push({ name, doc: classDoc(declaration), fields: attributes.map((a) => readField(a, declaration)) });
  }
  return models;
}

function readField(attribute: Attribute, declaration: string): ModelField {
  const at = new RegExp(`^    '${escapeRegExp(attribute.name)}'(\\?)?:`, 'm').exec(declaration);
  if (at === null) throw new Error(`no declaration of field ${attribute.name}`);
  const before = declaration.slice(0, at.index);
  const doc = /\/\*\*\n((?: {4}\* .*\n| {4}\*\n)+) {4}\*\/\n$/.exec(before)?.[1] ?? '';
  return {
    name: attribute.baseName,
    type: attribute.type,
    format: attribute.format,
    required: at[1] === undefined,
    doc: cleanDoc(doc),
  };
}

function classDoc(declaration: string): string {
  const match = /\/\*\*\n((?:\*.*\n)+)\*\/\nexport declare class/.exec(declaration);
  return cleanDoc(match?.[1] ?? '');
}

function cleanDoc(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .replaceAll('\\&#39;', "'")
    .replaceAll('\\"', '"')
    .replaceAll('*_/', '*/')
    .trim();
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
