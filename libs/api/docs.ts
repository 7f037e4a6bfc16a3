// The texts of models and fields. Half a megabyte: read when OpenAPI is asked for, and let go after.
import { readFileSync } from 'node:fs';

export interface ModelDocs {
  readonly model: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** A fresh copy of all texts by model name; the caller decides how long it lives. */
export function readDocs(): (model: string) => ModelDocs {
  type Raw = Readonly<Record<string, readonly [string, Readonly<Record<string, string>>]>>;
  const raw = JSON.parse(readFileSync(new URL('./generated/docs.json', import.meta.url), 'utf8')) as Raw;
  return (model) => ({ model: raw[model]?.[0] ?? '', fields: raw[model]?.[1] ?? {} });
}
