// Drives plan.ts: which changes concern which Service, and the end of Endpoints whose Service is gone.
import type { Endpoints, Pod, Service } from '@drydock/api/generated/types.ts';
import { endpoints as endpointsResource, pods as podResource, services as serviceResource } from '@drydock/api/resource.ts';
import { Driver, type Round } from '../common/driver.ts';
import { indexByNamespace } from '../common/indexes.ts';
import { keyOf, splitKey } from '../common/object-meta.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { selectedPods, servicesOf } from '../endpointslice/service-pods.ts';
import { type TriggerState, triggerTime } from '../endpointslice/trigger-time.ts';
import { planEndpoints, planOrphanedEndpoints } from './plan.ts';

export interface EndpointsOptions {
  readonly concurrency: number;
  /** --endpoint-updates-batch-period: changes of pods are gathered this long. */
  readonly batchMs: number;
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startEndpointsController(options: EndpointsOptions, context: ControllerContext): Promise<void> {
  const services = context.caches.of(serviceResource);
  const pods = context.caches.of(podResource);
  const endpoints = context.caches.of(endpointsResource);
  indexByNamespace(services);
  indexByNamespace(pods);
  const triggers = new Map<string, TriggerState>();
  const driver = new Driver(context, {
    name: 'endpoint-controller',
    concurrency: options.concurrency,
    caches: [services, pods, endpoints],
    sync: (key, round) => sync(services, pods, endpoints, triggers, key, round),
  });
  services.subscribe(({ before, after }) => {
    const service = after ?? before;
    if (service !== undefined) driver.enqueue(keyOf(service));
  });
  pods.subscribe((change) => {
    for (const key of servicesOf(change, services)) driver.enqueueAfter(key, options.batchMs);
  });
  endpoints.subscribe(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) driver.enqueue(keyOf(object));
  });
  await driver.start();
}

async function sync(
  services: Cache<Service>,
  pods: Cache<Pod>,
  endpoints: Cache<Endpoints>,
  triggers: Map<string, TriggerState>,
  key: string,
  round: Round,
): Promise<undefined> {
  const service = services.get(splitKey(key));
  const current = endpoints.get(splitKey(key));
  if (service === undefined) {
    triggers.delete(key);
    if (current !== undefined) await round.execute(planOrphanedEndpoints(current).actions);
    return undefined;
  }
  const selected = selectedPods(service, pods);
  const trigger = triggerTime(service, selected, triggers.get(key));
  await round.execute(planEndpoints({ service, pods: selected, current, triggerTime: trigger.time }).actions);
  triggers.set(key, trigger.state);
  return undefined;
}
