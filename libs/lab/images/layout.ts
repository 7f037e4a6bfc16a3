// Adapter: the images that a lab hands to its workers, as an OCI image layout (image-spec, image-layout.md). Blobs are hard links to
// what a containerd has taken in, so they cost nothing; names are in index.json, each with the digest that it stands for.
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NamedImage {
  /** With registry and tag: `docker.io/library/busybox:latest`. */
  readonly name: string;
  /** Of its manifest, or of the index of its platforms. */
  readonly digest: string;
}

/** What describes a blob: of OCI's descriptors the fields that are looked at. */
interface Descriptor {
  readonly mediaType?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A manifest, or an index of them. */
export interface Manifest {
  readonly mediaType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}

/** Under which containerd finds the name of an image in an index (containerd's images.AnnotationImageName). */
const nameAnnotation = 'io.containerd.image.name';
const digestPattern = /^sha256:([0-9a-f]{64})$/;
/** Manifests are small; upstream's registries refuse larger ones too. */
export const manifestMaxBytes = 4 * 1024 * 1024;
/** Indexes of indexes: none is that deep. */
const depthMax = 4;

/** Path of a blob beneath a layout, or beneath containerd's content store; undefined where that is no digest. */
export function blobFile(folder: string, digest: string): string | undefined {
  const hex = digestPattern.exec(digest)?.[1];
  return hex === undefined ? undefined : join(folder, 'blobs', 'sha256', hex);
}

/** Names in the layout, with what they stand for; empty where there is no layout. */
export function namesIn(layout: string): Map<string, string> {
  const file = join(layout, 'index.json');
  const index = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : {};
  return new Map(
    (index.manifests ?? []).flatMap(({ digest, annotations }) => {
      const name = annotations?.[nameAnnotation];
      return name === undefined || digest === undefined ? [] : [[name, digest] as const];
    }),
  );
}

/** A manifest or an index by its digest; undefined where the folder has none, or it is none. */
export function manifestIn(folder: string, digest: string): { readonly bytes: Buffer; readonly type: string } | undefined {
  const file = blobFile(folder, digest);
  if (file === undefined || !existsSync(file) || statSync(file).size > manifestMaxBytes) return undefined;
  const bytes = readFileSync(file);
  try {
    const manifest = JSON.parse(bytes.toString()) as Manifest | null;
    if (manifest?.manifests !== undefined)
      return { bytes, type: manifest.mediaType ?? 'application/vnd.oci.image.index.v1+json' };
    if (manifest?.config === undefined || manifest.layers === undefined) return undefined;
    return { bytes, type: manifest.mediaType ?? 'application/vnd.oci.image.manifest.v1+json' };
  } catch {
    return undefined;
  }
}

/**
 * Adds images to a layout, in the place of others of the same names, with everything of them that `content` (containerd's content
 * store) has: an archive may leave out platforms. Throws what the file system says; the layout is then as it was.
 */
export function addImages(layout: string, content: string, images: readonly NamedImage[]): void {
  const names = namesIn(layout);
  const changed = images.filter(({ name, digest }) => names.get(name) !== digest);
  if (changed.length === 0) return;
  mkdirSync(join(layout, 'blobs', 'sha256'), { recursive: true, mode: 0o700 });
  for (const { name, digest } of changed) {
    takeGraph(layout, content, digest, depthMax);
    names.set(name, digest);
  }
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}\n');
  const manifests = [...names].flatMap(([name, digest]) => {
    const found = manifestIn(layout, digest);
    return found === undefined
      ? []
      : [{ mediaType: found.type, digest, size: found.bytes.length, annotations: { [nameAnnotation]: name } }];
  });
  const file = join(layout, 'index.json');
  writeFileSync(`${file}.tmp`, `${JSON.stringify({ schemaVersion: 2, manifests })}\n`);
  renameSync(`${file}.tmp`, file);
}

function takeGraph(layout: string, content: string, digest: string, depth: number): void {
  if (!takeBlob(layout, content, digest) || depth === 0) return;
  const found = manifestIn(layout, digest);
  if (found === undefined) return;
  const { config, layers = [], manifests = [] } = JSON.parse(found.bytes.toString()) as Manifest;
  for (const each of [config, ...layers]) if (each?.digest !== undefined) takeBlob(layout, content, each.digest);
  for (const each of manifests) if (each.digest !== undefined) takeGraph(layout, content, each.digest, depth - 1);
}

/** Whether the layout has the blob afterwards. */
function takeBlob(layout: string, content: string, digest: string): boolean {
  const [from, to] = [blobFile(content, digest), blobFile(layout, digest)];
  if (from === undefined || to === undefined) return false;
  if (existsSync(to)) return true;
  if (!existsSync(from)) return false;
  try {
    linkSync(from, to);
  } catch {
    // Another file system: a copy, whole or not at all.
    copyFileSync(from, `${to}.tmp`);
    renameSync(`${to}.tmp`, to);
  }
  return true;
}
