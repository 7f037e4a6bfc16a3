// Starts the enabled controllers, each with its own identity, over shared caches.
import type { ApiClient } from '@drydock/client/api-client.ts';
import { InformerFactory } from '@drydock/client/informer-factory.ts';
import { FencedClient, type Leadership } from '@drydock/client/leadership.ts';
import { limited } from '@drydock/client/rate-limit.ts';
import type { Rate } from '@drydock/client/token-bucket.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { EventAction } from './common/action.ts';
import { ServiceAccountClient } from './common/identity.ts';
import type { ControllerContext } from './common/ports.ts';
import { isEnabled } from './enabled.ts';
import type { ControllerEntry, ControllerSet } from './entry.ts';

export interface ManagerPorts {
  /** The manager's own identity: reads everything. */
  readonly client: ApiClient;
  /** A client with that bearer token; undefined where the controllers act as the manager itself. */
  readonly connectAs: ((token: string) => Promise<ApiClient>) | undefined;
  /** How many requests each controller may make; undefined is no limit. What fills the shared caches is not counted. */
  readonly rate: Rate | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What everything is written under. Ends when the manager must stop, or is no longer the leader. */
  readonly leadership: Leadership;
  /** Records an event in the name of a component, through that component's client. */
  recorder(component: string, client: ApiClient): (event: EventAction) => void;
}

/**
 * Starts everything of the set that `enabled` names; resolves when all run. `optionsOf` may ask the apiserver. Throws where that
 * cannot be read.
 */
export async function startControllers<Options>(
  { entries }: ControllerSet<Options>,
  enabled: readonly string[],
  optionsOf: (client: ApiClient) => Options | Promise<Options>,
  ports: ManagerPorts,
): Promise<void> {
  const { clock, log, random, leadership } = ports;
  const signal = leadership.held;
  const client = new FencedClient(ports.client, leadership);
  const caches = new InformerFactory({ client, clock, log, random });
  caches.start(signal);
  const options = await optionsOf(client);
  const clients = new Map<string, ApiClient>();
  const clientOf = (account: string): ApiClient => {
    const { connectAs } = ports;
    if (connectAs === undefined) return ports.client;
    const known = clients.get(account);
    if (known !== undefined) return known;
    const made = new ServiceAccountClient(account, { base: client, clock, connect: connectAs });
    clients.set(account, made);
    return made;
  };
  // Not when it is given up: writes under way end first.
  void leadership.over.then(() => {
    for (const own of clients.values()) own.close();
  });
  const starting: Promise<void>[] = [];
  for (const entry of entries) {
    if (!isEnabled(entry, enabled)) continue;
    const own = new FencedClient(limited(clientOf(entry.account), clock, rateFor(entry, ports.rate)), leadership);
    const context: ControllerContext = {
      client: own,
      caches,
      clock,
      signal,
      log: log.child({ controller: entry.name }),
      record: ports.recorder(entry.eventSource ?? entry.account, own),
    };
    const started = entry.start(options, context);
    if (started === undefined) log.warn({ controller: entry.name }, 'controller has nothing to do with these flags');
    else starting.push(started);
  }
  await Promise.all(starting);
  log.info({ controllers: starting.length }, 'controllers run');
}

function rateFor(entry: Pick<ControllerEntry<never>, 'rateFactor'>, rate: Rate | undefined): Rate | undefined {
  const { perSecond = 1, burst = 1 } = entry.rateFactor ?? {};
  return rate === undefined ? undefined : { perSecond: rate.perSecond * perSecond, burst: rate.burst * burst };
}
