// Manifests in a file or in the files of a folder (pkg/kubelet/config/file.go): looked at when they change and every period.
import { type FSWatcher, watch as watchPath } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import type { Pod } from '@drydock/api/generated/types.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { StaticSource } from './source.ts';
import { fullName } from './static-pod.ts';

/** What is read of a manifest at most, in bytes (upstream's). */
const manifestBytesMax = 10 * 1024 * 1024;
/** After a change, until its folder is read: who writes a file writes more than once. */
const settleMs = 100;

export interface FileSourceOptions {
  readonly path: string;
  readonly periodMs: number;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class FileSource implements StaticSource {
  readonly #options: FileSourceOptions;
  #found: (pods: readonly Pod[]) => void = () => {};
  #timer: Timer | undefined;
  #watcher: FSWatcher | undefined;
  #stopped = false;
  #reading = false;
  #again = false;
  /** What was complained of last time: said once, not every period. */
  #complaints: ReadonlySet<string> = new Set();
  /** By file: what was last read of it. */
  #pods: ReadonlyMap<string, Pod> = new Map();

  constructor(options: FileSourceOptions) {
    this.#options = options;
  }

  start(found: (pods: readonly Pod[]) => void): void {
    this.#found = found;
    void this.#read(false);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#watcher?.close();
  }

  /** `isEvent`: a file changed just now, and may be half written. */
  async #read(isEvent: boolean): Promise<void> {
    if (this.#stopped) return;
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    this.#timer?.cancel();
    const { path, periodMs, clock } = this.#options;
    const complaints = new Set<string>();
    try {
      // Before it is read: what changes meanwhile is read again.
      this.#watch();
      this.#pods = await this.#podsOf(complaints, isEvent ? this.#pods : new Map());
      if (!this.#stopped) this.#found(oneOfAName(this.#pods, complaints));
    } catch (err) {
      complaints.add(`Unable to read config path ${JSON.stringify(path)}: ${(err as Error).message}`);
    }
    for (const text of complaints) if (!this.#complaints.has(text)) this.#options.log.warn({ path }, text);
    this.#complaints = complaints;
    this.#reading = false;
    if (this.#stopped) return;
    const changed = this.#again;
    this.#again = false;
    this.#timer = clock.timer(changed ? settleMs : periodMs, () => void this.#read(changed));
  }

  #watch(): void {
    if (this.#watcher !== undefined) return;
    try {
      const watcher = watchPath(this.#options.path, { persistent: false }, () => this.#soon());
      this.#watcher = watcher;
      // Of a folder that is gone nobody tells when it comes back: the next period finds out.
      watcher.on('error', () => this.#unwatch());
    } catch {
      // The path is not there yet, or the machine has no watches left: every period does.
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #soon(): void {
    if (this.#reading) this.#again = true;
    else {
      this.#timer?.cancel();
      this.#timer = this.#options.clock.timer(settleMs, () => void this.#read(true));
    }
  }

  /** By file, in the order of their names. What cannot be read now is what it was `before`. */
  async #podsOf(complaints: Set<string>, before: ReadonlyMap<string, Pod>): Promise<Map<string, Pod>> {
    const { path } = this.#options;
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (info === undefined) {
      this.#unwatch();
      complaints.add(`Unable to read config path ${JSON.stringify(path)}: path does not exist, ignoring`);
      return new Map();
    }
    if (info.isFile()) return new Map([[path, await this.#pod(path, info.size)]]);
    if (!info.isDirectory()) throw new Error('path is not a directory or file');
    const pods = new Map<string, Pod>();
    const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
    for (const name of names) {
      const file = `${path.replace(/\/+$/, '')}/${name}`;
      try {
        const kind = await stat(file);
        if (kind.isFile()) pods.set(file, await this.#pod(file, kind.size));
        else complaints.add(`${kind.isDirectory() ? 'Not recursing into config path' : 'Config path is not a file'} ${file}`);
      } catch (err) {
        complaints.add(`Could not process manifest file ${file}: ${(err as Error).message}`);
        const known = before.get(file);
        if (known !== undefined && (err as NodeJS.ErrnoException).code !== 'ENOENT') pods.set(file, known);
      }
    }
    return pods;
  }

  async #pod(file: string, size: number): Promise<Pod> {
    if (size > manifestBytesMax) throw new Error(`more than ${manifestBytesMax} bytes`);
    const text = await readFile(file, 'utf8');
    // It knows the whole of the API: loaded where there is a manifest.
    const { readPod } = await import('./manifest.ts');
    return readPod(text, { source: 'file', from: file, nodeName: this.#options.nodeName });
  }
}

/** Of files with pods of one name the last, as upstream has it. */
function oneOfAName(pods: ReadonlyMap<string, Pod>, complaints: Set<string>): Pod[] {
  const files = new Map([...pods].map(([file, pod]) => [fullName(pod), file]));
  for (const [file, pod] of pods) {
    const last = files.get(fullName(pod));
    if (last !== file) complaints.add(`Pod ${fullName(pod)} of ${file} is that of ${last}, too: the latter is run`);
  }
  return [...files.values()].flatMap((file) => pods.get(file) ?? []);
}
