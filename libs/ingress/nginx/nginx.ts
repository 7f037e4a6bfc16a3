// The data plane on nginx: one instance a place, all with the same content, each brought back where it has ended.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { DataPlane, DataPlaneContent } from '../data-plane.ts';
import type { WorkerUser } from './files.ts';
import { Instance } from './instance.ts';

export interface NginxPlaneOptions {
  /** Every instance has a folder in it. */
  readonly folder: string;
  /** Where to listen; one place without a prefix is this process's own network. */
  readonly places: readonly { readonly name: string; readonly prefix: readonly string[] }[];
  readonly nginx: string;
  readonly worker: WorkerUser | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often it is looked whether every instance is there; where one is in trouble it takes longer and longer. */
const watchMinMs = 500;
const watchMaxMs = 10_000;

export class NginxPlane implements DataPlane {
  readonly #clock: Clock;
  readonly #instances: readonly Instance[];
  #content: { readonly content: DataPlaneContent; readonly generation: string } | undefined;
  /** One thing at a time. */
  #busy: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #watchMs = watchMinMs;
  #stopped = false;

  constructor(options: NginxPlaneOptions) {
    this.#clock = options.clock;
    this.#instances = options.places.map(
      ({ name, prefix }) => new Instance({ ...options, name, prefix, folder: `${options.folder}/${name}` }),
    );
  }

  async check(content: DataPlaneContent): Promise<string | undefined> {
    let found: string | undefined;
    await this.#alone(async () => {
      found = await this.#instances[0]?.check(content);
    });
    return found;
  }

  async apply(content: DataPlaneContent, generation: string): Promise<void> {
    this.#content = { content, generation };
    await this.#alone(async () => {
      await Promise.all(this.#instances.map((instance) => instance.serve(content, generation)));
    });
    this.#watch();
  }

  async applyBackends(text: string): Promise<void> {
    if (this.#content !== undefined)
      this.#content = { ...this.#content, content: { ...this.#content.content, backends: text } };
    await this.#alone(async () => {
      await Promise.all(this.#instances.map((instance) => instance.applyBackends(text)));
    });
  }

  async read(path: string): Promise<readonly string[]> {
    const answers = await Promise.allSettled(this.#instances.map((instance) => instance.ask(path)));
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  /** Names of the places where nobody serves at present, as those that are not there. */
  absent(): string[] {
    return this.#instances.filter((instance) => !instance.running).map(({ name }) => name);
  }

  unhealthy(): string | undefined {
    if (this.#content === undefined) return 'nothing is served yet';
    return this.#instances.map(({ trouble }) => trouble).find((trouble) => trouble !== undefined);
  }

  /** Lets nginx go on alone, as when this process is killed. */
  leave(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async stop(patienceMs: number): Promise<void> {
    this.leave();
    await this.#alone(async () => {
      await Promise.all(this.#instances.map((instance) => instance.stop(patienceMs)));
    });
  }

  #watch(): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = this.#clock.timer(this.#watchMs, () => {
      const current = this.#content;
      const ended = this.#instances.filter((instance) => !instance.running || instance.trouble !== undefined);
      if (ended.length === 0 || current === undefined) {
        this.#watchMs = watchMinMs;
        this.#watch();
        return;
      }
      void this.#alone(async () => {
        await Promise.all(ended.map((instance) => instance.serve(current.content, current.generation)));
      }).finally(() => {
        const trouble = ended.some((instance) => instance.trouble !== undefined);
        this.#watchMs = trouble ? Math.min(this.#watchMs * 2, watchMaxMs) : watchMinMs;
        this.#watch();
      });
    });
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const mine = this.#busy.then(work);
    this.#busy = mine.catch(() => {});
    return mine;
  }
}
