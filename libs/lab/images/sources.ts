// Adapter: a program of this project as files of an image: its own sources, those of the libs that they import, and the npm packages
// that these need, at their places under one folder. What is there is found by reading imports, so nothing has to be listed.
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder, type LayerEntry, text } from './image-spec.ts';

/** Where the repository is in an image. */
export const sourcesFolder = 'opt/drydock';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const own = '@drydock/';
/** For readers and compilers, not for a program that runs. */
const unread = /\.(?:md|map|d\.[cm]?ts|markdown|txt|flow)$|^(?:tests?|docs?|examples?|benchmarks?|bin|\.github)$/i;

/** Everything that `apps/APP/main.ts` may load. Throws where something that it imports is not there. */
export function programEntries(app: string): LayerEntry[] {
  const found = new Sources();
  found.file(join(repository, 'apps', app, 'main.ts'));
  return found.entries();
}

class Sources {
  /** Files and links by their path in the repository. */
  readonly #entries = new Map<string, LayerEntry>();
  readonly #seen = new Set<string>();

  entries(): LayerEntry[] {
    const paths = [...this.#entries.keys()].sort();
    const folders = new Set(paths.flatMap((path) => parentsOf(`${sourcesFolder}/${path}`)));
    const entries = paths.flatMap((path) => this.#entries.get(path) ?? []);
    return [...[...folders].sort().map((name) => folder(name)), ...entries];
  }

  /** A file of the project, with what it imports and the files that it names. */
  file(path: string): void {
    if (this.#seen.has(path)) return;
    this.#seen.add(path);
    this.#copy(path);
    this.#manifestOf(path);
    if (!path.endsWith('.ts')) return;
    const { imports, files } = namesIn(readFileSync(path, 'utf8'));
    for (const name of imports) {
      if (name.startsWith('.')) this.file(join(dirname(path), name));
      else if (name.startsWith(own)) this.#ownLib(name.slice(own.length));
      else this.#package(packageOf(name), dirname(path));
    }
    for (const name of files) this.#named(join(dirname(path), name));
  }

  #ownLib(name: string): void {
    const [lib = '', ...rest] = name.split('/');
    this.#entries.set(`node_modules/${own}${lib}`, {
      type: 'link',
      path: `${sourcesFolder}/node_modules/${own}${lib}`,
      target: `../../libs/${lib}`,
    });
    this.file(join(repository, 'libs', lib, ...rest));
  }

  /** What a source names by its own place: a file or a folder. */
  #named(path: string): void {
    if (!existsSync(path)) return;
    if (!lstatSync(path).isDirectory()) this.file(path);
    else if (relative(repository, path) !== '') this.#tree(path);
  }

  /** package.json of the folder of a program or lib: says that its files are modules, and which others may import. */
  #manifestOf(path: string): void {
    const [kind = '', name = ''] = relative(repository, path).split('/');
    const manifest = join(repository, kind, name, 'package.json');
    if (['apps', 'libs'].includes(kind) && !this.#entries.has(relative(repository, manifest))) this.#copy(manifest);
  }

  /** An npm package as somebody in `from` finds it, and those that it needs. */
  #package(name: string, from: string, optional = false): void {
    const place = lookUp(name, from);
    if (place === undefined) {
      if (optional) return;
      throw new Error(`${from} imports ${name}, which is not installed`);
    }
    if (this.#seen.has(place)) return;
    this.#seen.add(place);
    this.#tree(place);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
    for (const each of Object.keys({ ...dependencies, ...optionalDependencies }))
      if (!each.startsWith('@types/')) this.#package(each, place, each in optionalDependencies);
  }

  #tree(path: string): void {
    for (const name of readdirSync(path)) {
      const inner = join(path, name);
      if (name === 'node_modules' || unread.test(name)) continue;
      const stat = lstatSync(inner);
      if (stat.isDirectory()) this.#tree(inner);
      else if (stat.isFile()) this.#copy(inner);
    }
  }

  #copy(path: string): void {
    const inside = relative(repository, path);
    this.#entries.set(inside, { type: 'copy', path: `${sourcesFolder}/${inside}`, mode: 0o644, source: path });
  }
}

/** What a source imports (types aside), and what it names beside itself. */
function namesIn(source: string): { imports: string[]; files: string[] } {
  const running = source.replace(/^(?:import|export) type [^;]*;/gm, '');
  const statements = running.matchAll(/^(?:import\b|export [*{])[^;'"`]*'([@\w./-]+)';$/gm);
  const calls = running.matchAll(/\bimport\(\s*'([@\w./-]+)'/g);
  const imports = [...statements, ...calls].flatMap(([, name]) => name ?? []);
  const files = [...running.matchAll(/new URL\(\s*'(\.[^']*)',\s*import\.meta\.url/g)].flatMap(([, name]) => name ?? []);
  return { imports: imports.filter((name) => !isBuiltin(name)), files };
}

function packageOf(name: string): string {
  const [first = '', second = ''] = name.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

/** As Node looks for a package: in the folders `node_modules` from here up to the repository's. */
function lookUp(name: string, from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const place = join(at, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) return place;
    if (at === dirname(at) || `${at}/` === repository || at === repository) return undefined;
  }
}

function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

/** A program at `path` that is `apps/APP/main.ts`, run by the image's Node. */
export function launcher(path: string, app: string): LayerEntry {
  const script = `#!/usr/bin/node --disable-warning=ExperimentalWarning\nimport('/${sourcesFolder}/apps/${app}/main.ts');\n`;
  return text(path, script, 0o755);
}
