// `drydock convert`: manifests of versions that are gone, as `kubectl convert` turned them into others.
import { readFileSync, statSync } from 'node:fs';
import process from 'node:process';
import { convertManifest, writeManifest } from '@drydock/lab/convert-manifest.ts';
import { LabError } from '@drydock/lab/errors.ts';

/** Prints the manifests of all files (`-` is standard input) as one; what cannot be converted is said on standard error. */
export function convertVerb(files: readonly string[], format: string, say: (text: string) => void): void {
  if (format !== 'yaml' && format !== 'json')
    throw new LabError('config', `--output: expected yaml or json, got ${JSON.stringify(format)}`);
  const objects = files.flatMap((file) =>
    convertManifest(read(file), named(file), (line) => process.stderr.write(`${line}\n`)),
  );
  if (objects.length === 0) throw new LabError('config', `no objects in ${files.map(named).join(', ')}`);
  say(writeManifest(objects, format).trimEnd());
}

const named = (file: string): string => (file === '-' ? 'standard input' : file);

function read(file: string): string {
  if (file === '-') return readFileSync(0, 'utf8');
  if (statSync(file).isDirectory()) throw new LabError('config', `${file} is a folder: name its files`);
  return readFileSync(file, 'utf8');
}
