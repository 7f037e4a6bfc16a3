// Adapter: images that are built when somebody asks for them, under the names that manifests of others have.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import { writeArchive } from './archive.ts';
import { busyboxLayer, path } from './catalog.ts';
import { withDebianPackages } from './debian-packages.ts';
import { folder, type ImageSpec, text } from './image-spec.ts';
import { certgenImage, controllerImage } from './ingress-nginx.ts';
import { type ImageReference, parseReference } from './reference.ts';

interface Builder {
  /** Of what repositories it makes images. */
  readonly repositories: RegExp;
  /** As a user is told. */
  readonly shown: readonly string[];
  /** Writes the image `name`, `REPOSITORY:TAG`, into the archive `file`. */
  readonly build: (name: string, file: string) => Promise<void>;
}

const whole =
  (spec: (name: string) => Promise<ImageSpec>): Builder['build'] =>
  async (name, file) =>
    writeArchive(file, [await spec(name)]);

/** What can be built, whatever its tag. */
const builders: readonly Builder[] = [
  {
    repositories: /^docker\.io\/library\/(?:mysql|mariadb)$/,
    shown: ['mysql:TAG', 'mariadb:TAG'],
    build: buildMysql,
  },
  {
    // Where earlier versions are, and mirrors of all of them.
    repositories: /\/(?:ingress-nginx\/controller|nginx-ingress-controller)$/,
    shown: ['REGISTRY/ingress-nginx/controller:TAG'],
    build: whole(controllerImage),
  },
  {
    repositories: /\/kube-webhook-certgen$/,
    shown: ['REGISTRY/ingress-nginx/kube-webhook-certgen:TAG'],
    build: whole(certgenImage),
  },
];

/** What can be built, as a user is told. */
export const buildable = builders.flatMap(({ shown }) => shown);

/** An image that was built. */
export interface BuiltImage {
  readonly file: string;
  /** What it is called in the archive. */
  readonly name: string;
  /**
   * Where it was asked for by a digest: the name that the container runtime looks it up by. What was built has another digest, so a worker
   * has to be told this name; it cannot be pulled by it.
   */
  readonly pinned: string | undefined;
}

/** Whether somebody knows how to build it. */
export function canBuild(image: string): boolean {
  return builderOf(parseReference(image)) !== undefined;
}

/** Builds an image, by the name that a manifest has for it, into an archive in `cache`. Throws LabError where nobody knows how. */
export async function buildOnDemand(image: string, cache: string): Promise<BuiltImage> {
  const reference = parseReference(image);
  const builder = builderOf(reference);
  if (reference === undefined || builder === undefined)
    throw new LabError('config', `do not know how to build the image ${image}; known: ${buildable.join(', ')}`);
  const { repository, tag = 'latest', digest } = reference;
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `${repository.replaceAll('/', '_')}-${tag}.tar`);
  const name = `${repository}:${tag}`;
  await builder.build(name, file);
  // The runtime drops the tag where there is a digest.
  return { file, name, pinned: digest === undefined ? undefined : `${repository}@${digest}` };
}

function builderOf(reference: ImageReference | undefined): Builder | undefined {
  return builders.find(({ repositories }) => reference !== undefined && repositories.test(reference.repository));
}

/** Debian's MariaDB: speaks MySQL's protocol and answers to its commands and variables; it is another server's code. */
function buildMysql(reference: string, file: string): Promise<void> {
  return withDebianPackages(['mariadb-server-core', 'mariadb-client-core'], async (entries) => {
    const entrypoint = readFileSync(new URL('./mysql-entrypoint.sh', import.meta.url), 'utf8');
    const own = [
      text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nmysql:x:999:999:mysql:/var/lib/mysql:/bin/false\n'),
      text('etc/group', 'root:x:0:\nmysql:x:999:\n'),
      text('usr/local/bin/docker-entrypoint.sh', entrypoint, 0o755),
      folder('docker-entrypoint-initdb.d'),
      folder('var/lib/mysql'),
    ];
    const layers = [
      await busyboxLayer(),
      { name: 'mariadb', entries },
      { name: 'mysql', entries: [folder('usr/local'), folder('usr/local/bin'), ...own] },
    ];
    const config = {
      Env: [path],
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['mysqld'],
      ExposedPorts: { '3306/tcp': {} },
    };
    await writeArchive(file, [{ names: [reference], layers, config }]);
  });
}
