// A cluster in memory with controllers on it, on a virtual clock: their calls pass a network that can be told what to do with each.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { ApiError, apiError } from '@drydock/api/status.ts';
import { type Call, isWrite } from '@drydock/client/client-layer.ts';
import { InformerFactory } from '@drydock/client/informer-factory.ts';
import { FencedClient, Leadership } from '@drydock/client/leadership.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { MemoryStore } from '@drydock/client/testing/memory-store.ts';
import { type Fate, NetworkClient } from '@drydock/client/testing/network-client.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import type { EventAction } from '../common/action.ts';
import type { ControllerContext } from '../common/ports.ts';

/** One process with controllers. */
export interface Manager {
  readonly context: ControllerContext;
  /** The apiserver that its caches follow; `lag()` holds them back. */
  readonly server: MemoryApi;
  readonly network: NetworkClient;
  readonly leadership: Leadership;
  /** Verb and resource of every write that left it. */
  readonly writes: string[];
  /** It is gone, in the middle of whatever it does. */
  crash(): void;
}

export class World {
  readonly clock = new VirtualClock();
  readonly store = new MemoryStore();
  readonly events: EventAction[] = [];
  /** Somebody else, whose calls always work. */
  readonly user: MemoryApi;
  #managers = 0;

  constructor() {
    this.user = this.#server('user');
  }

  list<T extends KubeObject>(resource: Resource<T>): T[] {
    return this.store.list(resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`) as T[];
  }

  manager(options: { readonly lagging?: boolean } = {}): Manager {
    const { clock } = this;
    const name = `manager-${this.#managers++}`;
    const random = new SeededRandom(name);
    const server = this.#server(name);
    if (options.lagging) server.lag();
    const network = new NetworkClient(server, clock);
    const leadership = new Leadership(clock);
    const writes: string[] = [];
    network.seen = (call) => {
      if (isWrite(call)) writes.push(`${call.verb} ${call.resource.resource}${call.subresource ? `/${call.subresource}` : ''}`);
    };
    const caches = new InformerFactory({ client: server, clock, random, log: silentLog, freeze: true });
    caches.start(leadership.held);
    const context: ControllerContext = {
      client: new FencedClient(network, leadership),
      caches,
      clock,
      log: silentLog,
      signal: leadership.held,
      record: (event) => this.events.push(event),
    };
    const crash = (): void => {
      leadership.revoke('crashed');
      network.fate = () => ({ lost: 'request' });
    };
    return { context, server, network, leadership, writes, crash };
  }

  /** Lets time pass until nothing has been written for `quietMs` (longer than a lost call is waited for), at most `limitMs`; throws where it does not come to rest. */
  async settle({ quietMs = 90_000, limitMs = 3_600_000 } = {}): Promise<void> {
    const endMs = this.clock.monotonicMs() + limitMs;
    let revision = -1;
    while (revision !== this.store.revision) {
      if (this.clock.monotonicMs() > endMs) throw new Error(`not at rest after ${limitMs} ms`);
      revision = this.store.revision;
      await this.clock.advanceAsync(quietMs);
    }
  }

  #server(name: string): MemoryApi {
    return new MemoryApi({ clock: this.clock, random: new SeededRandom(name) }, this.store);
  }
}

/** What can go wrong with one call, by name. `crash` ends the process in the middle of it. */
export const mishaps: Readonly<Record<string, Fate & { readonly crash?: boolean }>> = {
  'lost request': { lost: 'request' },
  'lost answer': { lost: 'answer' },
  'broken before': { error: apiError('ServiceUnavailable', 'the connection broke') },
  'store unavailable': { error: new ApiError({ ...apiError('InternalError', 'etcdserver: no leader').status }) },
  'too busy': { error: apiError('TooManyRequests', 'try again later') },
  conflict: { error: apiError('Conflict', 'the object has been modified') },
  'not found': { error: apiError('NotFound', 'not found') },
  'slow answer': { answerMs: 20_000 },
  'crash before': { crash: true, lost: 'request' },
  'crash after': { crash: true, lost: 'answer' },
};

/** How long the caches of a struck manager see nothing: longer than a lost call is waited for. */
const lagMs = 75_000;

/**
 * Runs `scenario` once without mishap to count its writes, then once for each write and each mishap that befalls it. A crashed
 * manager is followed by a new one. Whatever befalls a write, the caches lag from then on for a while.
 */
export async function withEveryMishap(
  scenario: (strike: (manager: Manager, restart: () => void) => void, label: string) => Promise<void>,
): Promise<number> {
  let total = 0;
  const counting = (manager: Manager): void => {
    manager.network.fate = (call: Call) => {
      if (isWrite(call)) total++;
      return {};
    };
  };
  await scenario(counting, 'no mishap');
  const calm = total;
  for (const [name, mishap] of Object.entries(mishaps)) {
    for (let at = 1; at <= calm; at++) {
      let count = 0;
      let struck = false;
      const strike = (manager: Manager, restart: () => void): void => {
        manager.network.fate = (call: Call): Fate => {
          if (!isWrite(call) || struck || ++count !== at) return {};
          struck = true;
          manager.server.lag();
          manager.context.clock.timer(lagMs, () => manager.server.follow());
          if (mishap.crash) {
            // In the next turn: the call is under way.
            void Promise.resolve().then(() => {
              manager.crash();
              restart();
            });
          }
          return mishap;
        };
      };
      await scenario(strike, `${name} at write ${at}`);
    }
  }
  return calm;
}
