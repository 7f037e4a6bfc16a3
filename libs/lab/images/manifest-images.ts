// The images that a manifest names.
import { isObject } from '@drydock/api/json.ts';
import { parseAllDocuments } from 'yaml';
import { LabError } from '../errors.ts';

/** No manifest that anybody writes is larger, in characters. */
const manifestCharsMax = 16 << 20;
const containerLists = ['containers', 'initContainers', 'ephemeralContainers'];

/** Each once, in their order: of every container of every pod, or template of pods. Throws LabError for what is no YAML. */
export function imagesIn(manifest: string, where: string): string[] {
  if (manifest.length > manifestCharsMax) throw new LabError('config', `${where}: longer than ${manifestCharsMax} characters`);
  const found = new Set<string>();
  for (const document of parseAllDocuments(manifest)) {
    const [error] = document.errors;
    if (error !== undefined) throw new LabError('config', `${where}: ${error.message.split('\n')[0]}`);
    collect(document.toJS(), found);
  }
  return [...found];
}

function collect(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) for (const each of value) collect(each, found);
  if (!isObject(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (containerLists.includes(key) && Array.isArray(inner))
      for (const container of inner) if (isObject(container) && typeof container.image === 'string') found.add(container.image);
    collect(inner, found);
  }
}
