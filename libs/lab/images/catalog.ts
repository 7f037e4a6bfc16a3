// Adapter: the images that are built from what is on this machine: pause, busybox, what empties volumes, an HTTP echo server on
// Node, and those of a control plane of static pods.
import { readFileSync, realpathSync } from 'node:fs';
import { recyclerImage } from '@drydock/controllers/persistentvolume/recycler.ts';
import { LabError } from '../errors.ts';
import { architecture, findProgram, nodeProgram } from '../machine/facts.ts';
import { tool } from '../machine/spawn.ts';
import { sandboxImage } from '../programs/containerd-config.ts';
import { controlPlaneImages } from '../programs/static-pod.ts';
import { folder, type ImageSpec, type Layer, type LayerEntry, text } from './image-spec.ts';
import { pauseProgram, pauseScript } from './pause.ts';

export const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Versions of the echo server: the same program that says another version, for rollouts. */
const echoVersions = ['1', '2', '3'];

/** All images of the lab. Reads the machine's busybox and Node. */
export async function catalog(): Promise<ImageSpec[]> {
  const base = await busyboxLayer();
  const node = await nodeLayer();
  const echo: Layer = {
    name: 'echo',
    entries: [folder('app'), text('app/echo.mjs', readFileSync(new URL('./echo-server.mjs', import.meta.url), 'utf8'))],
  };
  const version = /v(\d+\.\d+)/.exec((await tool(['busybox'])).split('\n')[0] ?? '')?.[1] ?? '1';
  return [
    pauseImage(base),
    {
      names: referencesOf('docker.io/library/busybox', ['latest', version]),
      layers: [base],
      config: { Env: [path], Cmd: ['sh'] },
    },
    // What kube-controller-manager empties volumes with, under its own name: of that image only a shell and find are used.
    { names: [recyclerImage], layers: [base, await findLayer()], config: { Env: [path], Cmd: ['sh'] } },
    // The programs themselves are mounted: an image of the sources would have to be built and taken in again after every change.
    { names: controlPlaneImages, layers: [base, node], config: { Env: [path] } },
    ...echoVersions.map((echoVersion, i) => ({
      names: referencesOf('docker.io/drydock/echo', [echoVersion, ...(i === 0 ? ['latest'] : [])]),
      layers: [base, node, echo],
      config: {
        Env: [path, `ECHO_VERSION=${echoVersion}`],
        Entrypoint: ['/usr/bin/node', '--max-semi-space-size=1', '/app/echo.mjs'],
        WorkingDir: '/app',
        ExposedPorts: { '8080/tcp': {} },
      },
    })),
  ];
}

function pauseImage(base: Layer): ImageSpec {
  const program = pauseProgram(architecture.node);
  if (program === undefined)
    return { names: [sandboxImage], layers: [base], config: { Env: [path], Entrypoint: ['/bin/sh', '-c', pauseScript] } };
  return {
    names: [sandboxImage],
    layers: [{ name: 'pause', entries: [{ type: 'file', path: 'pause', mode: 0o755, content: program }] }],
    config: { Env: [path], Entrypoint: ['/pause'] },
  };
}

export async function busyboxLayer(): Promise<Layer> {
  const source = findProgram('busybox');
  if (source === undefined) throw new LabError('missing-packages', 'busybox is missing: apt-get install -y busybox-static');
  const applets = (await tool([source, '--list-full'])).split('\n').filter((line) => line !== '' && line !== 'bin/busybox');
  const folders = [
    'bin',
    'sbin',
    'usr',
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'dev',
    'etc',
    'home',
    'lib',
    'lib64',
    'proc',
    'root',
    'run',
    'sys',
    'var',
    'var/log',
    'var/www',
  ];
  const entries: LayerEntry[] = [
    ...folders.map((name) => folder(name)),
    folder('tmp', 0o1777),
    folder('var/tmp', 0o1777),
    { type: 'copy', path: 'bin/busybox', mode: 0o755, source: realpathSync(source) },
    ...applets.map((applet): LayerEntry => ({ type: 'link', path: applet, target: '/bin/busybox' })),
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n'),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
  ];
  return { name: 'busybox', entries };
}

/** This project's Node with the libraries that it is linked to. */
export async function nodeLayer(): Promise<Layer> {
  // Host names are resolved through these; the linker does not show them.
  const more = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'].flatMap((name) => besideLibc(name));
  return { name: 'node', entries: await programWithLibraries(nodeProgram, 'usr/bin/node', more) };
}

/** GNU find, which can delete as busybox's cannot, and a shell that runs it: busybox's prefers its own find to any other. */
async function findLayer(): Promise<Layer> {
  const [find, sh] = [findProgram('find'), findProgram('sh')];
  if (find === undefined || sh === undefined)
    throw new LabError('missing-packages', 'find or sh is missing: apt-get install -y findutils dash');
  const entries = [...(await programWithLibraries(find, 'usr/bin/find')), ...(await programWithLibraries(sh, 'bin/sh'))];
  return { name: 'find', entries: [...new Map(entries.map((entry) => [entry.path, entry])).values()] };
}

/** A program of this machine, or a library, at `path`, with the libraries that it is linked to and `more`, at their own places. */
export async function programWithLibraries(program: string, path: string, more: readonly string[] = []): Promise<LayerEntry[]> {
  const libraries = (await tool(['ldd', program]))
    .split('\n')
    .flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? [])
    .concat(more);
  const folders = new Set(libraries.flatMap((file) => parents(file.slice(1))));
  const known = new Set(['lib', 'lib64', 'usr', 'usr/lib']);
  return [
    ...[...folders].filter((name) => !known.has(name)).map((name) => folder(name)),
    { type: 'copy', path, mode: 0o755, source: realpathSync(program) },
    ...[...new Set(libraries)].map(
      (file): LayerEntry => ({ type: 'copy', path: file.slice(1), mode: 0o755, source: realpathSync(file) }),
    ),
  ];
}

function besideLibc(name: string): string[] {
  for (const place of ['/lib/x86_64-linux-gnu', '/lib/aarch64-linux-gnu', '/lib64', '/usr/lib64']) {
    try {
      realpathSync(`${place}/${name}`);
      return [`${place}/${name}`];
    } catch {
      // Not here.
    }
  }
  return [];
}

function parents(file: string): string[] {
  const parts = file.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

function referencesOf(repository: string, tags: readonly string[]): string[] {
  return tags.map((tag) => `${repository}:${tag}`);
}
