// Resolves the descriptions of table columns: `@Model.field` stands for that field's text.
import { readFileSync } from 'node:fs';
import type { Model } from './models.ts';

type Column = [name: string, type: string, format: string, priority: number, description: string];

/** The text of generated/columns.json. */
export function renderColumns(models: readonly Model[]): string {
  const source = readFileSync(new URL('./columns.json', import.meta.url), 'utf8');
  const texts = new Map(models.flatMap((model) => model.fields.map((field) => [`@${model.name}.${field.name}`, field.doc])));
  const all = JSON.parse(source) as Record<string, Column[]>;
  const lines = Object.entries(all).map(([resource, columns]) => {
    const resolved = columns.map(([name, type, format, priority, text]) => {
      const description = text.startsWith('@') ? texts.get(text) : text;
      if (description === undefined) throw new Error(`${resource}: no text ${text}`);
      return [name, type, format, priority, description.replaceAll("\\'", "'")];
    });
    return `${JSON.stringify(resource)}:${JSON.stringify(resolved)}`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}
