// One life of a kubelet: everything it reaches the world by passes here, so that it can fail at every call and end in the middle of
// any. When it is over, nothing that it waited for comes back: whatever it had under way does nothing more.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import type { ApiClient, WatchEvent, WatchOptions } from '@drydock/client/api-client.ts';
import { type Call, ClientLayer, type Run } from '@drydock/client/client-layer.ts';
import { type Clock, sleepOn, type Timer } from '@drydock/foundation/clock.ts';
import { type ContainerEngine, EngineError } from '../engine/engine.ts';
import { PluginError } from '../plugins/socket-client.ts';
import type { ProcessEngine } from './process-engine.ts';

export type Port = 'api' | 'engine' | 'disk' | 'driver';

/** A call at a port: `engine startContainer`, `api patch pods/status`, `disk mkdir`, `driver NodeStageVolume`. */
export interface Point {
  readonly port: Port;
  readonly name: string;
}

/**
 * What befalls a call. `error`: it is not carried out. `lost`: it is, and fails all the same. `crash before`, `crash after`: the
 * kubelet ends at it. `crash during`: it ends while the call is under way.
 */
export type Fate = 'error' | 'lost' | 'crash before' | 'crash during' | 'crash after' | undefined;

const never = new Promise<never>(() => {});

const errors: Readonly<Record<Port, () => Error>> = {
  api: () => apiError('ServiceUnavailable', 'the connection broke'),
  engine: () => new EngineError('Unavailable', 'the connection broke'),
  driver: () => new PluginError('Unavailable', 'the connection broke'),
  disk: () => Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }),
};

export class Life {
  isOver = false;
  readonly #fate: (point: Point) => Fate;
  readonly #ended: () => void;

  /** `ended`: it has come to its end by a fate. */
  constructor(fate: (point: Point) => Fate, ended: () => void) {
    this.#fate = fate;
    this.#ended = ended;
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#ended();
  }

  async through<T>(point: Point, run: () => Promise<T>): Promise<T> {
    if (this.isOver) return never;
    const fate = this.#fate(point);
    if (fate === 'crash before') {
      this.end();
      return never;
    }
    if (fate === 'error') throw errors[point.port]();
    if (fate === 'crash during') {
      run().catch(() => {});
      this.end();
      return never;
    }
    let outcome: { readonly value: T } | { readonly error: unknown };
    try {
      outcome = { value: await run() };
    } catch (error) {
      outcome = { error };
    }
    if (fate === 'crash after') this.end();
    if (this.isOver) return never;
    if (fate === 'lost') throw errors[point.port]();
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }
}

/** Counts the timers that are running. */
export class LifeClock implements Clock {
  readonly #inner: Clock;
  readonly #life: Life;
  readonly #running = new Set<Timer>();

  constructor(inner: Clock, life: Life) {
    this.#inner = inner;
    this.#life = life;
  }

  get timers(): number {
    return this.#running.size;
  }

  monotonicMs(): number {
    return this.#inner.monotonicMs();
  }

  wallMs(): number {
    return this.#inner.wallMs();
  }

  timer(delayMs: number, callback: () => void): Timer {
    const inner = this.#inner.timer(delayMs, () => {
      this.#running.delete(timer);
      if (!this.#life.isOver) callback();
    });
    const timer = {
      cancel: () => {
        this.#running.delete(timer);
        inner.cancel();
      },
    };
    if (delayMs < Number.POSITIVE_INFINITY) this.#running.add(timer);
    return timer;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }
}

export class LifeClient extends ClientLayer {
  readonly #inner: ApiClient;
  readonly #life: Life;

  constructor(inner: ApiClient, life: Life) {
    super();
    this.#inner = inner;
    this.#life = life;
  }

  protected around<R>(call: Call, run: Run<R>): Promise<R> {
    const name = `${call.verb} ${call.resource.resource}${call.subresource === undefined ? '' : `/${call.subresource}`}`;
    return this.#life.through({ port: 'api', name }, () => run(this.#inner));
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>> {
    for await (const event of this.#inner.watch(resource, options)) {
      if (this.#life.isOver) await never;
      yield event;
    }
  }

  close(): void {}
}

/** The engine as this life reaches it; its processes go on when the life is over. */
export function engineOf(inner: ProcessEngine, life: Life): ContainerEngine {
  return new Proxy(inner, {
    get(target, name) {
      const method = Reflect.get(target, name, target) as (...args: unknown[]) => Promise<unknown>;
      if (name === 'close') return () => {};
      return (...args: unknown[]) => {
        // What asks for everything is asked every second: a point of its own.
        const isRelist = (name === 'listSandboxes' || name === 'listContainers') && args.length === 0;
        return life.through({ port: 'engine', name: isRelist ? `${name} all` : String(name) }, async () => {
          if (target.isDown) throw errors.engine();
          return name === 'stopContainer'
            ? target.stopContainer(args[0] as string, args[1] as number, () => !life.isOver)
            : method.apply(target, args);
        });
      };
    },
  });
}
