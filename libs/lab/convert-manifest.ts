// Manifests with API versions that are gone, as text: each document that needs it is written anew, every other stays as it is written.
import { isObject, type JsonObject } from '@drydock/api/json.ts';
import { convertRemoved, type Warn } from '@drydock/api/removed/convert.ts';
import { LineCounter, parseAllDocuments, stringify } from 'yaml';
import { LabError } from './errors.ts';

type ManifestFormat = 'yaml' | 'json';

/** No manifest that anybody writes is larger, in characters; aliases are not followed beyond the library's own bound. */
const manifestCharsMax = 16 << 20;

/** One document of a manifest: what it says now, and how it was written where nothing was changed. */
interface Converted {
  readonly object: JsonObject;
  readonly asWritten?: string;
}

/**
 * The manifest (YAML of any number of documents, or JSON) with every object in a version that is served. `where` is its name in errors.
 * Throws LabError for what is no manifest.
 */
export function convertManifest(text: string, where: string, warn: Warn): readonly Converted[] {
  if (text.length > manifestCharsMax) throw new LabError('config', `${where}: longer than ${manifestCharsMax} characters`);
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: counter });
  const found: Converted[] = [];
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line } = counter.linePos(error.pos[0]);
      throw new LabError('config', `${where}: line ${line}: ${error.message.split('\n')[0]}`);
    }
    const object: unknown = document.toJS();
    if (object === null || object === undefined) continue;
    const { line } = counter.linePos(document.contents?.range?.[0] ?? 0);
    if (!isObject(object)) throw new LabError('config', `${where}: line ${line}: expected an object with apiVersion and kind`);
    for (const field of ['apiVersion', 'kind'])
      if (typeof object[field] !== 'string') throw new LabError('config', `${where}: line ${line}: ${field}: required`);
    const converted = convertRemoved(object, warn);
    found.push(converted === object ? { object, asWritten: written(text, document.range) } : { object: converted });
  }
  return found;
}

/** The objects as one text: documents of YAML, or one JSON value, a List where there are several. */
export function writeManifest(objects: readonly Converted[], format: ManifestFormat): string {
  if (format === 'yaml')
    return objects
      .map(({ object, asWritten }) => asWritten ?? stringify(object, { aliasDuplicateObjects: false }))
      .join('---\n');
  const [only] = objects;
  const value =
    objects.length === 1 ? only?.object : { apiVersion: 'v1', kind: 'List', items: objects.map(({ object }) => object) };
  return `${JSON.stringify(value, null, 4)}\n`;
}

/** A document as it stands in the text, without the lines that part it from others. */
function written(text: string, [begin, , end]: readonly [number, number, number]): string {
  const lines = text.slice(begin, end).split('\n');
  const kept = lines.filter((line) => !/^(?:---|\.\.\.)\s*$/.test(line));
  return `${kept.join('\n').trimEnd()}\n`;
}
