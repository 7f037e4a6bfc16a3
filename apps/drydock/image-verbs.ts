// `drydock image ...`
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LabError, messageOf } from '@drydock/lab/errors.ts';
import { imagesIn } from '@drydock/lab/images/manifest-images.ts';
import { buildable, buildOnDemand, canBuild } from '@drydock/lab/images/on-demand.ts';
import { ensureArchive, loadArchive, nameImage } from '@drydock/lab/images/provision.ts';
import type { Lab } from '@drydock/lab/lab.ts';
import { tool } from '@drydock/lab/machine/spawn.ts';
import { workerFolders } from '@drydock/lab/programs/worker.ts';
import { type Member, nodesOf } from '@drydock/lab/topology.ts';
import { table } from './table.ts';

/** Builds the lab's own images where they are not cached; returns the archive. */
export function buildArchive(lab: Lab): Promise<string> {
  return ensureArchive(lab.context);
}

/**
 * Builds images that are not the lab's own, under the names that manifests have for them; workers that run get them. With a manifest:
 * those of its images that somebody knows how to build; the others are said.
 */
export async function buildImages(
  lab: Lab,
  images: readonly string[],
  manifests: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  const named = [...new Set(manifests.flatMap((file) => imagesIn(readManifest(file), file)))];
  const known = named.filter(canBuild);
  for (const image of named.filter((each) => !known.includes(each))) say(`not built, nobody knows how: ${image}`);
  if (images.length + known.length === 0)
    throw new LabError('config', `${manifests.join(', ')}: no image that can be built; known: ${buildable.join(', ')}`);
  for (const image of [...images, ...known]) {
    const { file, name, pinned } = await buildOnDemand(image, join(lab.context.imageCache, 'built'));
    say(file);
    if (lab.find() === undefined || workersOf(lab).length === 0) continue;
    await loadImages(lab, file, say);
    if (pinned !== undefined)
      await Promise.all(workersOf(lab).map((member) => nameImage(lab.view().topology, member, name, pinned)));
  }
}

function readManifest(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new LabError('config', `${file}: ${messageOf(error)}`);
  }
}

/** Imports an archive into every worker, at the same time. */
export async function loadImages(lab: Lab, file: string, say: (line: string) => void): Promise<void> {
  const path = resolve(file);
  if (!existsSync(path)) throw new LabError('config', `no such file: ${file}`);
  await Promise.all(
    workersOf(lab).map(async (member) => {
      try {
        await loadArchive(lab.view().topology, member, path);
      } catch (error) {
        throw new LabError('start-failed', `${member.name}: ${messageOf(error)}`);
      }
    }),
  );
  say(`loaded ${file} into ${workersOf(lab).length} workers`);
}

export async function listImages(lab: Lab, say: (line: string) => void): Promise<void> {
  const found = new Map<string, string[]>();
  await Promise.all(
    workersOf(lab).map(async (member) => {
      const { name } = member;
      const { socket } = workerFolders(lab.view().topology, member);
      const lines = await tool(['ctr', '-a', socket, '-n', 'k8s.io', 'images', 'list', '-q']).catch(() => '');
      for (const image of lines.split('\n'))
        if (image !== '' && !image.startsWith('sha256:')) found.set(image, [...(found.get(image) ?? []), name]);
    }),
  );
  const rows = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([image, workers]) => [image, workers.sort().join(',')]);
  say(table([['IMAGE', 'WORKERS'], ...rows]));
}

function workersOf(lab: Lab): Member[] {
  const { topology } = lab.view();
  if (topology.config.engine !== 'containerd')
    throw new LabError('unsupported', 'this lab has no container engine: pods are simulated, any image is accepted');
  return nodesOf(topology);
}
