// One nginx in one place: started or taken over, reloaded, watched, ended. It outlives this process: a killed controller leaves its
// data plane serving what it was told last, and the next one takes it over.
import { fstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa, spawn } from '@drydock/foundation/child-process.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { DataPlaneContent } from '../data-plane.ts';
import { askControl } from './control.ts';
import { makeFolders, removeFiles, type WorkerUser, writeFiles } from './files.ts';
import { files } from './options.ts';
import { findMaster, findOrphans, servingWorkers, signal, takesConnections } from './processes.ts';

export interface InstanceOptions {
  readonly name: string;
  readonly folder: string;
  /** What nginx is started by, as `nsenter`; its exit with `nowhereExit` means that there is no such place at present. */
  readonly prefix: readonly string[];
  readonly nginx: string;
  readonly worker: WorkerUser | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** nginx opens its access log by name, which a socket does not have: then there is none. */
function logOutput(): 'inherit' | 'ignore' {
  return fstatSync(1).isSocket() ? 'ignore' : 'inherit';
}

/** The place is not there, as a machine that is switched off: nothing is wrong with nginx. */
const nowhereExit = 75;
const startPatienceMs = 10_000;
const reloadPatienceMs = 15_000;
const askEveryMs = 20;
/** How long before a reload clients are asked to end their connections. */
const drainMs = 250;

export class Instance {
  readonly #options: InstanceOptions;
  /** Why it does not serve; undefined where it does, or where its place is not there. */
  #trouble: string | undefined = 'not started';

  constructor(options: InstanceOptions) {
    this.#options = options;
  }

  get trouble(): string | undefined {
    return this.#trouble === undefined ? undefined : `${this.#options.name}: ${this.#trouble}`;
  }

  get name(): string {
    return this.#options.name;
  }

  get running(): boolean {
    return findMaster(this.#options.folder) !== undefined;
  }

  /** What is wrong with a configuration; undefined where nothing is. Its files are written: certificates must be there to be read. */
  async check(content: DataPlaneContent): Promise<string | undefined> {
    const { folder, nginx, worker } = this.#options;
    makeFolders(folder, worker);
    writeFiles(folder, content, worker);
    writeFileSync(join(folder, files.candidate), content.config, { mode: 0o600 });
    // Here and not in the place, which may not be there: what is looked at is the same.
    const args = ['-t', '-q', '-p', '.', '-c', files.candidate];
    const result = await execa(nginx, args, { cwd: folder, reject: false, stdin: 'ignore', stdout: 'ignore' });
    if (result.exitCode === 0) return undefined;
    return result.stderr || result.message || 'nginx cannot be run';
  }

  /** Serves the content: by a reload where it runs, else by a start. Never rejects; `trouble` says what did not work. */
  async serve(content: DataPlaneContent, generation: string): Promise<void> {
    const { folder, worker, log, name } = this.#options;
    try {
      makeFolders(folder, worker);
      const unused = writeFiles(folder, content, worker);
      writeFileSync(join(folder, files.candidate), content.config, { mode: 0o600 });
      renameSync(join(folder, files.candidate), join(folder, files.config));
      const master = findMaster(folder);
      const before = master === undefined ? [] : servingWorkers(master);
      if (master === undefined) {
        if (!(await this.#start())) return;
      } else {
        await this.#drain();
        signal(master, 'SIGHUP');
      }
      await this.#awaitGeneration(generation, before, master === undefined ? startPatienceMs : reloadPatienceMs);
      await this.ask('/drain', '');
      // The text may have changed since this generation was begun.
      await this.ask('/backends', content.backends);
      removeFiles(folder, unused);
      this.#trouble = undefined;
    } catch (err) {
      this.#trouble = (err as Error).message;
      log.error({ err, place: name }, 'nginx does not serve what it should');
    }
  }

  /** Rejects where nobody answers. */
  ask(path: string, body?: string): Promise<string> {
    return askControl(join(this.#options.folder, files.control), path, body);
  }

  async applyBackends(text: string): Promise<void> {
    const { folder, log, name } = this.#options;
    mkdirSync(folder, { recursive: true });
    // For the next start, whoever causes it.
    writeFileSync(join(folder, `${files.backends}.tmp`), text, { mode: 0o600 });
    renameSync(join(folder, `${files.backends}.tmp`), join(folder, files.backends));
    if (!this.running) return;
    try {
      await this.ask('/backends', text);
    } catch (err) {
      this.#trouble = (err as Error).message;
      log.error({ err, place: name }, 'backends were not taken');
    }
  }

  /** Takes no new connections, finishes what is under way; after `patienceMs` it ends at once. */
  async stop(patienceMs: number): Promise<void> {
    const { clock, folder } = this.#options;
    const pids = () => [findMaster(folder), ...findOrphans(folder)].filter((pid) => pid !== undefined);
    if (this.running) await this.#drain();
    for (const pid of pids()) signal(pid, 'SIGQUIT');
    const untilMs = clock.monotonicMs() + patienceMs;
    while (pids().length > 0 && clock.monotonicMs() < untilMs) await clock.sleep(askEveryMs);
    for (const pid of pids()) signal(pid, 'SIGTERM');
  }

  /**
   * Asks busy clients to come back by new connections: a reload and an end close kept ones, and what is on its way on them in that instant. Not where
   * nobody is connected.
   */
  async #drain(): Promise<void> {
    try {
      const active = Number(/Active connections: (\d+)/.exec(await this.ask('/status'))?.[1] ?? 0);
      // The one that asks counts too.
      if (active <= 1) return;
      // Until the earlier workers have left; it ends by itself where nobody ends it.
      await this.ask(`/drain?seconds=${reloadPatienceMs / 1000}`, '');
      await this.#options.clock.sleep(drainMs);
    } catch {
      // An nginx that does not answer is reloaded all the same.
    }
  }

  /** False where there is no such place at present. */
  async #start(): Promise<boolean> {
    const { folder, prefix, nginx, log, name, clock } = this.#options;
    for (const pid of findOrphans(folder)) signal(pid, 'SIGQUIT');
    // Left by one that was killed.
    rmSync(join(folder, files.control), { force: true });
    rmSync(join(folder, files.pid), { force: true });
    const [file = nginx, ...args] = [...prefix, nginx, '-p', '.', '-c', files.config];
    const child = spawn(file, args, { cwd: folder, detached: true, stdio: ['ignore', logOutput(), 'inherit'] });
    child.unref();
    const ended = new Promise<number | string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, killedBy) => resolve(code ?? killedBy ?? 'unknown'));
    });
    let outcome: number | string | undefined;
    void ended.then((how) => {
      outcome = how;
    });
    const untilMs = clock.monotonicMs() + startPatienceMs;
    while (outcome === undefined && findMaster(folder) === undefined) {
      if (clock.monotonicMs() >= untilMs) throw new Error('nginx has not started in time');
      await clock.sleep(askEveryMs);
    }
    if (outcome === nowhereExit) {
      this.#trouble = undefined;
      return false;
    }
    if (outcome !== undefined) throw new Error(`nginx ended (${outcome})`);
    log.info({ place: name, pid: child.pid }, 'nginx was started');
    return true;
  }

  /** Until the new configuration answers and none of the earlier workers takes connections any more. */
  async #awaitGeneration(generation: string, earlier: readonly number[], patienceMs: number): Promise<void> {
    const { clock, folder } = this.#options;
    const untilMs = clock.monotonicMs() + patienceMs;
    for (;;) {
      const answer = await this.ask('/generation').catch(() => undefined);
      const master = findMaster(folder) ?? 0;
      if (answer === generation && !earlier.some((pid) => takesConnections(pid, master))) return;
      if (clock.monotonicMs() >= untilMs) throw new Error(`the configuration is not served after ${patienceMs / 1000} s`);
      await clock.sleep(askEveryMs);
    }
  }
}
