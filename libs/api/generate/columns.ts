// The texts that columns.json refers to as `@Model.field`.
import { readFileSync } from 'node:fs';
import type { Model } from './models.ts';

type Column = [name: string, type: string, format: string, priority: number, description: string];

/** The text of texts/columns.json: each reference with that field's text. Fails where the package has none. */
export function renderColumnTexts(models: readonly Model[]): string {
  const all = JSON.parse(readFileSync(new URL('../columns.json', import.meta.url), 'utf8')) as Record<string, Column[]>;
  const texts = new Map(models.flatMap((model) => model.fields.map((field) => [`@${model.name}.${field.name}`, field.doc])));
  const wanted: Record<string, string> = {};
  for (const [resource, columns] of Object.entries(all)) {
    for (const [, , , , reference] of columns.filter(([, , , , text]) => text.startsWith('@'))) {
      const text = texts.get(reference);
      if (text === undefined) throw new Error(`${resource}: no text ${reference}`);
      wanted[reference] = text.replaceAll("\\'", "'");
    }
  }
  return JSON.stringify(wanted);
}
