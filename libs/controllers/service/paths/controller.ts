// Drives plan.ts: asks the nodes, and keeps the router's paths to those that are well.
import type { Node, Service } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource, services as serviceResource } from '@drydock/api/resource.ts';
import { eventAbout } from '../../common/action.ts';
import { Driver, type Round } from '../../common/driver.ts';
import { semanticEqual } from '../../common/equality.ts';
import type { ControllerContext } from '../../common/ports.ts';
import type { RouteTable } from '../../common/route-table.ts';
import type { AddressPool } from '../pool.ts';
import { type Health, healthAfter } from './health.ts';
import { carriersOf, destinationsOf, type PathAction, planPaths } from './plan.ts';

export interface PathPorts {
  /** From addresses of load balancers to addresses of nodes. */
  readonly router: RouteTable;
  /** Whether the health check at this address and port says that traffic is taken. Never rejects; answers within a second. */
  check(address: string, port: number): Promise<boolean>;
}

/** How often nodes are asked while there is a load balancer. */
const periodMs = 1_000;
/** The same while an address leads nowhere yet: a new Service's health check port is about to open. */
const impatientMs = 200;
/** How often the router is asked what it has, for somebody may have changed it. */
const rereadMs = 30_000;
/** How long a node that the router could not lead to is nobody's first choice. */
const refusedMs = 30_000;
/** Nodes asked at a time. */
const checksAtOnce = 64;
/** All paths are looked at together. */
const all = 'paths';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startPathController(
  pool: AddressPool,
  { router, check }: PathPorts,
  context: ControllerContext,
): Promise<void> {
  const { clock, log, signal } = context;
  const services = context.caches.of(serviceResource);
  const nodes = context.caches.of(nodeResource);
  let health: ReadonlyMap<string, Health> = new Map();
  let known: { readonly paths: Map<string, string>; readonly readMs: number } | undefined;
  /** Addresses of nodes that the router could not lead to: when that was. */
  const refused = new Map<string, number>();

  const ask = async (): Promise<void> => {
    const askedMs = clock.monotonicMs();
    const ports = [...new Set(destinationsOf(services.list(), pool).map(({ port }) => port))];
    const left = carriersOf(nodes.list()).flatMap(({ address }) => ports.map((port) => ({ address, port })));
    const next = new Map<string, Health>();
    const work = async (): Promise<void> => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) {
        const key = `${one.address}:${one.port}`;
        next.set(key, healthAfter(health.get(key), await check(one.address, one.port), askedMs));
      }
    };
    await Promise.all(Array.from({ length: checksAtOnce }, work));
    health = next;
  };

  const act = async (action: PathAction, paths: Map<string, string>, round: Round): Promise<void> => {
    signal.throwIfAborted();
    const { reason } = action;
    if (action.kind === 'close') {
      await router.close(action.address);
      paths.delete(action.address);
      log.info({ address: action.address, reason }, 'address leads nowhere any more');
      return;
    }
    const { carrier, destination } = action;
    await router.lead(destination.address, carrier.address);
    paths.set(destination.address, carrier.address);
    log.info({ address: destination.address, node: carrier.name, reason }, 'address leads to another node');
    const message = `${destination.address} leads to node ${carrier.name}: ${reason}`;
    round.record(eventAbout(serviceResource, destination.service, 'Normal', 'NodeAssigned', message));
  };

  const look = async (round: Round): Promise<number | undefined> => {
    if (known === undefined || clock.monotonicMs() - known.readMs >= rereadMs)
      known = { paths: await router.routes(), readMs: clock.monotonicMs() };
    const { paths } = known;
    await ask();
    // What is wanted is read after the answers, which may have taken a second.
    const destinations = destinationsOf(services.list(), pool);
    const carriers = carriersOf(nodes.list());
    const nowMs = clock.monotonicMs();
    for (const [address, sinceMs] of refused) if (nowMs - sinceMs >= refusedMs) refused.delete(address);
    const verdict = ({ address }: { address: string }, port: number) =>
      refused.has(address) ? 'ill' : (health.get(`${address}:${port}`)?.verdict ?? 'unknown');
    for (const action of planPaths({ destinations, carriers, paths, verdict })) {
      try {
        await act(action, paths, round);
      } catch (err) {
        signal.throwIfAborted();
        log.warn({ err }, 'the router could not be changed; trying again');
        if (action.kind === 'lead') refused.set(action.carrier.address, nowMs);
        // Whether it was done is not known.
        known = undefined;
      }
    }
    if (known === undefined) return periodMs;
    if (destinations.length === 0) return undefined;
    return destinations.every(({ address }) => paths.has(address)) ? periodMs : impatientMs;
  };

  const driver = new Driver(context, {
    name: 'load-balancer-paths',
    concurrency: 1,
    // No barrier: what is written is not read from a cache.
    caches: [],
    waitFor: [services, nodes],
    sync: (_, round) => look(round),
  });
  /** Wakes where something else than before is to be seen. */
  const woken = (before: unknown, after: unknown) => {
    if (!semanticEqual(before, after)) driver.enqueue(all);
  };
  const toServe = (service?: Service) =>
    destinationsOf(service === undefined ? [] : [service], pool).map(({ address, port }) => [address, port]);
  const toAsk = (node?: Node) => carriersOf(node === undefined ? [] : [node]);
  services.subscribe(({ before, after }) => woken(toServe(before), toServe(after)));
  nodes.subscribe(({ before, after }) => woken(toAsk(before), toAsk(after)));
  driver.enqueue(all);
  await driver.start();
}
