// Adapter: the YAML package, loaded at its first use: it takes 8 MB, and most processes never meet YAML.
import { createRequire } from 'node:module';

type Yaml = typeof import('yaml');

const load = createRequire(import.meta.url);
let loaded: Yaml | undefined;

function yaml(): Yaml {
  loaded ??= load('yaml') as Yaml;
  return loaded;
}

/** Reads one document. Throws YAMLParseError. */
export function parseYaml(text: string, options?: { readonly merge?: boolean; readonly version?: '1.1' | '1.2' }): unknown {
  return yaml().parse(text, options ?? {});
}

/** Reads the first document of a text that may have several; null where there is none. Throws YAMLParseError. */
export function parseFirstYaml(text: string): unknown {
  const [document] = yaml().parseAllDocuments(text);
  if (document === undefined || !('contents' in document)) return null;
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return document.toJS() as unknown;
}

/** The text of a document. */
export function stringifyYaml(value: unknown, options?: { readonly aliasDuplicateObjects?: boolean }): string {
  return yaml().stringify(value, options ?? {});
}
