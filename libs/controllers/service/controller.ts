// Drives plan.ts: Services of type LoadBalancer get an address and give it back. One worker, so that no address is given twice.
import type { Service } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource, services as serviceResource } from '@drydock/api/resource.ts';
import { Driver, type Round } from '../common/driver.ts';
import { keyOf, nameOf, splitKey, uidOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { changeOf } from './changes.ts';
import { takesTraffic } from './nodes.ts';
import { needsCleanup, planCleanup, planEnsured, said, wantsLoadBalancer } from './plan.ts';
import { type AddressPool, addressOf, chooseAddress, holders, PoolError } from './pool.ts';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startServiceController(pool: AddressPool, context: ControllerContext): Promise<void> {
  const services = context.caches.of(serviceResource);
  const nodes = context.caches.of(nodeResource);
  /** By uid: given out, and not seen yet. */
  const granted = new Map<string, string>();
  /** Keys of Services that could not have what they asked for: an address that comes free may be theirs. */
  const unserved = new Set<string>();
  const hosts = () => [...nodes.list()].filter(takesTraffic).map(nameOf).sort();

  /** The others that name the same address, which a former leader's write gives that comes late: all but one need another. */
  const rivalsOf = (service: Service): string[] => {
    const address = addressOf(service);
    const same = address === undefined ? [] : [...services.list()].filter((each) => addressOf(each) === address);
    return same.length > 1 ? same.map(keyOf) : [];
  };

  const ensure = async (service: Service, round: Round): Promise<void> => {
    const key = keyOf(service);
    await round.execute([said(service, 'EnsuringLoadBalancer', 'Ensuring load balancer')]);
    if (hosts().length === 0) await round.execute([unavailable(service)]);
    try {
      const address = chooseAddress(service, pool, holders(services.list(), granted));
      granted.set(uidOf(service), address);
      unserved.delete(key);
      await round.execute(planEnsured(service, address));
    } catch (error) {
      if (error instanceof PoolError) unserved.add(key);
      const why = `Error syncing load balancer: failed to ensure load balancer: ${(error as Error).message}`;
      round.record(said(service, 'SyncLoadBalancerFailed', why, 'Warning'));
      throw error;
    }
  };

  const driver = new Driver(context, {
    name: 'service-lb-controller',
    concurrency: 1,
    caches: [services],
    waitFor: [nodes],
    async sync(key, round) {
      const service = services.get(splitKey(key));
      if (service === undefined) unserved.delete(key);
      else if (needsCleanup(service)) await round.execute(planCleanup(service));
      else if (wantsLoadBalancer(service) && service.metadata?.deletionTimestamp === undefined) await ensure(service, round);
      return undefined;
    },
  });

  services.subscribe(({ before, after }) => {
    if (before !== undefined && (after === undefined || addressOf(before) !== addressOf(after)))
      for (const key of unserved) driver.enqueue(key);
    if (after === undefined || (before !== undefined && uidOf(before) !== uidOf(after))) granted.delete(uidOf(before ?? {}));
    if (after === undefined) return;
    if (granted.get(uidOf(after)) === addressOf(after) || !wantsLoadBalancer(after)) granted.delete(uidOf(after));
    if (before !== undefined && addressOf(before) !== addressOf(after)) for (const key of rivalsOf(after)) driver.enqueue(key);
    const change = before === undefined ? (wantsLoadBalancer(after) ? [] : undefined) : changeOf(before, after);
    for (const event of change ?? []) context.record(event);
    if (change !== undefined || needsCleanup(after)) driver.enqueue(keyOf(after));
  });

  let known: string | undefined;
  nodes.subscribe(() => {
    const names = hosts().join(' ');
    // What is there at the start is told with each Service.
    const changed = known !== undefined && known !== names;
    known = names;
    if (!changed) return;
    for (const service of services.list()) {
      if (!wantsLoadBalancer(service) || addressOf(service) === undefined) continue;
      const updated = said(service, 'UpdatedLoadBalancer', 'Updated load balancer with new hosts');
      context.record(names === '' ? unavailable(service) : updated);
    }
  });
  await driver.start();
}

function unavailable(service: Service) {
  return said(service, 'UnAvailableLoadBalancer', 'There are no available nodes for LoadBalancer', 'Warning');
}
