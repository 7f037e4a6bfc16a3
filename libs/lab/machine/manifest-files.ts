// Adapter: manifests of static pods in the folders of nodes, and what their containers have written.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { StaticPodSpec } from '../programs/process-spec.ts';

/** The digest by which it is known later whether a manifest is still what the lab wrote. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * What is to be done about a manifest: `write` it where there is none or the lab's own of before (whose digest is `written`), `keep`
 * it where the user has changed it, nothing where it is what it should be.
 */
export function manifestStep({ file, text }: StaticPodSpec, written: string | undefined): 'write' | 'keep' | undefined {
  const there = contentOf(file);
  if (there === text) return undefined;
  return there === undefined || digestOf(there) === written ? 'write' : 'keep';
}

export function hasManifest({ file }: StaticPodSpec): boolean {
  return contentOf(file) !== undefined;
}

/** Under this name a kubelet does not see it. */
function asideOf(file: string): string {
  return join(dirname(file), `.${basename(file)}`);
}

/** Takes a manifest out of the kubelet's sight, where there is one. */
export function putAside(pod: StaticPodSpec): void {
  if (hasManifest(pod)) renameSync(pod.file, asideOf(pod.file));
}

export function putBack({ file }: StaticPodSpec): void {
  if (contentOf(asideOf(file)) !== undefined) renameSync(asideOf(file), file);
}

/** The log of its last container, in CRI's format; undefined where none has begun. */
export function containerLog({ logs, pod, container }: StaticPodSpec): string | undefined {
  const newest = (folder: string, fits: (name: string) => boolean): string | undefined =>
    entriesOf(folder)
      .filter(fits)
      .map((name) => ({ path: join(folder, name), atMs: modifiedMs(join(folder, name)) }))
      .sort((a, b) => b.atMs - a.atMs)[0]?.path;
  const folder = newest(logs, (name) => name.startsWith(pod));
  return folder === undefined ? undefined : newest(join(folder, container), (name) => /^\d+\.log$/.test(name));
}

/** A line as the container wrote it. */
export function withoutCri(line: string): string {
  return /^\S+ (?:stdout|stderr) [FP] (.*)$/s.exec(line)?.[1] ?? line;
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Wall time of the last change; 0 where there is no such file. */
export function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
