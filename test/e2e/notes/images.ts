// The images that the notes name, made for a lab without a way to their registries: a web server at port 80, from busybox.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeArchive } from '@drydock/lab/images/archive.ts';
import { catalog } from '@drydock/lab/images/catalog.ts';
import { folder, text } from '@drydock/lab/images/image-spec.ts';
import { lab } from '../lab.ts';

const names = [
  'docker.io/library/nginx:latest',
  'docker.io/library/nginx:stable',
  'docker.io/library/nginx:1.14.2',
  'docker.io/library/nginx:1.16.1',
  'registry.k8s.io/nginx-slim:0.8',
  'gcr.io/google_samples/gb-frontend:v3',
  'docker.io/library/hello-world:latest',
];

/** Writes the archive of all of them to `file`. */
export async function writeNoteImages(file: string): Promise<void> {
  const busybox = (await catalog()).find((image) => image.names.some((name) => name.includes('/busybox:')));
  if (busybox === undefined) throw new Error('no busybox in the catalog');
  const site = { name: 'site', entries: [folder('var/www/html'), text('var/www/html/index.html', 'Welcome to nginx!\n')] };
  // The first process of a container ends at TERM only where it says how.
  const serve = "trap 'exit 0' TERM; httpd -f -p 80 -h /var/www/html & wait";
  const config = { ...busybox.config, Cmd: ['sh', '-c', serve] };
  await writeArchive(file, [{ names, layers: [...busybox.layers, site], config }]);
}

/** Gives them to every worker of the lab. */
export async function loadNoteImages(): Promise<void> {
  const file = join(tmpdir(), 'note-images.tar');
  try {
    await writeNoteImages(file);
    await lab('image', 'load', file);
  } finally {
    rmSync(file, { force: true });
  }
}
