// Adapter: writes images as one docker-archive file (what `docker save` makes, and `ctr images import` and `docker load` read).
import { createHash } from 'node:crypto';
import { createWriteStream, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { architecture } from '../machine/facts.ts';
import type { ImageSpec, Layer, LayerEntry } from './image-spec.ts';

/** Fixed, so that the same content gives the same digests on every machine. */
const entryTime = new Date(0);
/**
 * The attribute security.capability of a file: cap_net_bind_service=ep, as the kernel keeps it (linux/capability.h, vfs_cap_data of
 * revision 2: flags and revision, then what is permitted and inheritable, in two halves). All its bytes are characters of their own.
 */
const mayBind = {
  'SCHILY.xattr.security.capability': Buffer.from([1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).toString(
    'latin1',
  ),
};

/** Writes `images` to `file`; layers that several images share are stored once. */
export async function writeArchive(file: string, images: readonly ImageSpec[]): Promise<void> {
  const archive = pack();
  const written = pipeline(archive, createWriteStream(`${file}.tmp`));
  const layers = new Map<string, { path: string; digest: string }>();
  const manifest: unknown[] = [];
  for (const image of images) {
    for (const layer of image.layers) {
      if (layers.has(layer.name)) continue;
      const tar = await layerTar(layer);
      const digest = createHash('sha256').update(tar).digest('hex');
      layers.set(layer.name, { path: `${digest}/layer.tar`, digest });
      archive.entry({ name: `${digest}/layer.tar`, mtime: entryTime }, tar);
    }
    const used = image.layers.flatMap((layer) => layers.get(layer.name) ?? []);
    const config = Buffer.from(
      JSON.stringify(
        imageConfig(
          image,
          used.map((layer) => layer.digest),
        ),
      ),
    );
    const name = `${createHash('sha256').update(config).digest('hex')}.json`;
    archive.entry({ name, mtime: entryTime }, config);
    manifest.push({ Config: name, RepoTags: image.names, Layers: used.map((layer) => layer.path) });
  }
  archive.entry({ name: 'manifest.json', mtime: entryTime }, Buffer.from(JSON.stringify(manifest)));
  archive.finalize();
  await written;
  await rename(`${file}.tmp`, file);
}

function imageConfig(image: ImageSpec, digests: readonly string[]): unknown {
  return {
    architecture: architecture.image,
    os: 'linux',
    created: entryTime.toISOString(),
    config: image.config,
    rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
    history: image.layers.map((layer) => ({ created: entryTime.toISOString(), created_by: `drydock: ${layer.name}` })),
  };
}

async function layerTar(layer: Layer): Promise<Buffer> {
  const tar = pack();
  const chunks: Buffer[] = [];
  const done = (async () => {
    for await (const chunk of tar) chunks.push(chunk as Buffer);
  })();
  for (const entry of layer.entries) addEntry(tar, entry);
  tar.finalize();
  await done;
  return Buffer.concat(chunks);
}

function addEntry(tar: ReturnType<typeof pack>, entry: LayerEntry): void {
  switch (entry.type) {
    case 'folder':
      tar.entry({ name: `${entry.path}/`, type: 'directory', mode: entry.mode, mtime: entryTime });
      break;
    case 'link':
      tar.entry({ name: entry.path, type: 'symlink', linkname: entry.target, mtime: entryTime });
      break;
    case 'file':
      tar.entry({ name: entry.path, mode: entry.mode, mtime: entryTime }, Buffer.from(entry.content));
      break;
    case 'copy':
      tar.entry(
        { name: entry.path, mode: entry.mode, mtime: entryTime, ...(entry.mayBindLowPorts === true ? { pax: mayBind } : {}) },
        readFileSync(entry.source),
      );
      break;
  }
}
