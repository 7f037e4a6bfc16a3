// Adapter: images that are built when somebody asks for them, under the names that manifests of others have.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import { writeArchive } from './archive.ts';
import { busyboxLayer, path } from './catalog.ts';
import { withDebianPackages } from './debian-packages.ts';
import { folder, text } from './image-spec.ts';

/** What can be built, by repository, for any tag. */
const builders: Readonly<Record<string, (reference: string, file: string) => Promise<void>>> = {
  mysql: buildMysql,
  mariadb: buildMysql,
};

/** What can be built, as a user is told. */
export const buildable = Object.keys(builders).map((name) => `${name}:TAG`);

/** Builds the image `NAME:TAG` into an archive in `cache` and returns its path. Throws LabError where nobody knows how. */
export async function buildOnDemand(image: string, cache: string): Promise<string> {
  const [, repository = '', tag = 'latest'] = /^(?:docker\.io\/)?(?:library\/)?([\w.-]+)(?::([\w][\w.-]*))?$/.exec(image) ?? [];
  const build = builders[repository];
  if (build === undefined)
    throw new LabError('config', `do not know how to build the image ${image}; known: ${buildable.join(', ')}`);
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `${repository}-${tag}.tar`);
  await build(`docker.io/library/${repository}:${tag}`, file);
  return file;
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
