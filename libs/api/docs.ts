// The texts of models, fields and columns, as they were derived when the packages were installed (generate/texts.ts). Half a
// megabyte: read when OpenAPI is asked for, and let go after.
import { readFileSync } from 'node:fs';

export interface ModelDocs {
  readonly model: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What stands for a text where none were derived. */
export const noTexts = 'The texts of the API are not installed here: `./drydock install` derives them from their package.';

const textsFolder = new URL('./texts/', import.meta.url);

/** A file of texts/; undefined where there is none. */
export function readTexts(name: 'docs.json' | 'columns.json', folder = textsFolder): string | undefined {
  try {
    return readFileSync(new URL(name, folder), 'utf8');
  } catch {
    return undefined;
  }
}

/** A fresh copy of all texts by model name; the caller decides how long it lives. */
export function readDocs(folder = textsFolder): (model: string) => ModelDocs {
  type Raw = Readonly<Record<string, readonly [string, Readonly<Record<string, string>>]>>;
  const text = readTexts('docs.json', folder);
  if (text === undefined) return () => ({ model: noTexts, fields: {} });
  const raw = JSON.parse(text) as Raw;
  return (model) => ({ model: raw[model]?.[0] ?? '', fields: raw[model]?.[1] ?? {} });
}
