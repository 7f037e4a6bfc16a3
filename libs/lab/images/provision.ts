// Adapter: gives every worker's containerd the lab's images at the cost of a few hard links.
//
// Importing 150 MB takes a containerd seconds. So one containerd imports them once, into the cache; a worker's store begins
// as a tree of hard links to that one. Layers and content are never written again, by containerd's own rules, so sharing is
// safe, and all workers share the page cache; only containerd's databases are copied.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LabContext } from '../lab-context.ts';
import { findProgram, nodeProgram, ownPid } from '../machine/facts.ts';
import { probeUntilReady } from '../machine/probe.ts';
import { signalRecorded, viewRecorded } from '../machine/proc.ts';
import { processEnv, spawnProcess, succeeds, tool } from '../machine/spawn.ts';
import { containerdConfig } from '../programs/containerd-config.ts';
import { imageLayout } from '../programs/image-registry.ts';
import type { MachineFacts } from '../programs/process-spec.ts';
import { workerFolders } from '../programs/worker.ts';
import { type Member, nodesOf, type Topology } from '../topology.ts';
import { writeArchive } from './archive.ts';
import { catalog } from './catalog.ts';
import { addImages, type NamedImage } from './layout.ts';

/** Raised when archives or the store's layout change, so that old caches are not taken. */
const cacheVersion = 7;
/** The databases of containerd: the files of its root that it writes again. */
const databases = ['io.containerd.metadata.v1.bolt/meta.db', 'io.containerd.snapshotter.v1.overlayfs/metadata.db'];
/** Beneath containerd's root: what it has downloaded, by digest. */
const contentFolder = 'io.containerd.content.v1.content';
/** Beside it in the cached store: names and digests of the lab's own images. */
const ownImages = 'images.json';
const stopPollMs = 20;

/** Fills the image store of a worker whose containerd has not run yet; does nothing where there is a store. */
export type Provision = (root: string) => Promise<void>;

/** Makes the cached store where it is missing, then returns what fills workers from it. */
export async function prepareImages(
  context: LabContext,
  topology: Topology,
  machine: MachineFacts,
  signal: AbortSignal,
): Promise<Provision> {
  if (topology.config.engine !== 'containerd' || nodesOf(topology).length === 0) return async () => {};
  const store = join(context.imageCache, cacheKey(), 'store');
  if (!existsSync(store)) await makeStore(context, machine, store, signal);
  const own = JSON.parse(readFileSync(join(store, ownImages), 'utf8')) as NamedImage[];
  addImages(imageLayout(topology.paths), join(store, contentFolder), own);
  return (root) => fill(store, root);
}

/** The archive of the lab's own images, built where it is missing: for `image build`, docker, other machines. */
export async function ensureArchive(context: LabContext): Promise<string> {
  const folder = join(context.imageCache, cacheKey());
  const file = join(folder, 'images.tar');
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  await writeArchive(file, await catalog());
  return file;
}

/** Changes with everything that goes into the images. */
function cacheKey(): string {
  const sources = [
    nodeProgram,
    findProgram('busybox') ?? '',
    findProgram('find') ?? '',
    findProgram('sh') ?? '',
    new URL('./echo-server.mjs', import.meta.url).pathname,
    findProgram('containerd') ?? '',
  ];
  const facts = sources.map((file) => {
    const stat = file === '' ? undefined : statSync(file);
    return `${file}:${stat?.size}:${stat?.mtimeMs}`;
  });
  return createHash('sha256')
    .update([cacheVersion, ...facts].join('\n'))
    .digest('hex')
    .slice(0, 16);
}

async function makeStore(context: LabContext, machine: MachineFacts, store: string, signal: AbortSignal): Promise<void> {
  const archive = await ensureArchive(context);
  const work = `${store}.${ownPid}`;
  const state = mkdtempSync(join(tmpdir(), 'dd-img-'));
  const socket = join(state, 'c.sock');
  mkdirSync(work, { recursive: true });
  const config = join(state, 'containerd.toml');
  writeFileSync(config, containerdConfig({ root: work, state, socket, cni: join(state, 'cni') }, machine.mayRaiseLimits));
  const containerd = spawnProcess({
    argv: ['containerd', '--config', config],
    env: processEnv(context.paths.dir, 'image-import', context.compileCache),
    netns: undefined,
    hostname: undefined,
    cgroupProcs: undefined,
    logFile: join(context.paths.dir, 'log', 'image-import.log'),
  });
  try {
    await probeUntilReady({ kind: 'unix', path: socket }, signal);
    const images = importedIn(await tool(['ctr', '-a', socket, '-n', 'k8s.io', 'images', 'import', archive]));
    writeFileSync(join(work, ownImages), JSON.stringify(images));
  } finally {
    signalRecorded(containerd, 'SIGTERM');
    while (viewRecorded(containerd) !== undefined) await context.clock.sleep(stopPollMs);
    rmSync(state, { recursive: true, force: true });
  }
  rmSync(join(work, contentFolder, 'ingest'), { recursive: true, force: true });
  if (existsSync(store)) rmSync(work, { recursive: true, force: true });
  else renameSync(work, store);
}

/** What `ctr images import` says that it has taken in. */
export function importedIn(output: string): NamedImage[] {
  return [...output.matchAll(/^unpacking (\S+) \((sha256:[0-9a-f]{64})\)/gm)].flatMap(([, name, digest]) =>
    name === undefined || digest === undefined ? [] : [{ name, digest }],
  );
}

/**
 * Imports an archive into a worker's containerd; workers get what is in it from the lab from then on. An archive may name platforms
 * that it has nothing of, as what `docker save` makes of an image that was pulled: only the worker's own must be there.
 */
export async function loadArchive(topology: Topology, worker: Member, archive: string): Promise<void> {
  const { socket, root } = workerFolders(topology, worker);
  const output = await tool(['ctr', '-a', socket, '-n', 'k8s.io', 'images', 'import', archive]);
  addImages(imageLayout(topology.paths), join(root, contentFolder), importedIn(output));
}

/** Gives an image of a worker a further name, as one that has a digest. */
export async function nameImage(topology: Topology, worker: Member, image: string, name: string): Promise<void> {
  const { socket } = workerFolders(topology, worker);
  await tool(['ctr', '-a', socket, '-n', 'k8s.io', 'images', 'tag', '--force', image, name]);
}

async function fill(store: string, root: string): Promise<void> {
  if (existsSync(join(root, databases[0] ?? ''))) return;
  // Made aside and renamed whole: an interrupted attempt must not leave a store whose database is the cache's own.
  const work = `${root}.new`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  // Hard links need the same file system; a plain copy works everywhere.
  if (await succeeds(['cp', '-al', `${store}/.`, work])) {
    for (const name of databases) {
      const file = join(work, name);
      await tool(['cp', '-p', file, `${file}.own`]);
      renameSync(`${file}.own`, file);
    }
  } else {
    rmSync(work, { recursive: true, force: true });
    await tool(['cp', '-a', store, work]);
  }
  rmSync(root, { recursive: true, force: true });
  renameSync(work, root);
}
