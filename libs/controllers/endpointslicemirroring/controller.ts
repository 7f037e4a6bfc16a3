// Drives plan.ts: which changes concern which Endpoints object.
import {
  endpoints as endpointsResource,
  services as serviceResource,
  endpointSlices as sliceResource,
} from '@drydock/api/resource.ts';
import { Driver } from '../common/driver.ts';
import { keyOf, splitKey } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { serviceOf } from '../endpointslice/plan.ts';
import { controllerName, planMirror } from './plan.ts';

const byService = 'mirrored-service';

export interface MirroringOptions {
  /** --mirroring-concurrent-service-endpoint-syncs */
  readonly concurrency: number;
  /** --mirroring-max-endpoints-per-subset */
  readonly maxPerSubset: number;
  /** --mirroring-endpointslice-updates-batch-period: changes of Endpoints are gathered this long. */
  readonly batchMs: number;
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startMirroringController(options: MirroringOptions, context: ControllerContext): Promise<void> {
  const services = context.caches.of(serviceResource);
  const endpoints = context.caches.of(endpointsResource);
  const slices = context.caches.of(sliceResource);
  slices.index(byService, (slice) => {
    const key = serviceOf(slice, controllerName);
    return key === undefined ? [] : [key];
  });
  const driver = new Driver(context, {
    name: 'endpointslice-mirroring-controller',
    concurrency: options.concurrency,
    caches: [services, endpoints, slices],
    sync: async (key, round) => {
      const plan = planMirror({
        endpoints: endpoints.get(splitKey(key)),
        service: services.get(splitKey(key)),
        slices: [...slices.lookup(byService, key)],
        maxPerSubset: options.maxPerSubset,
      });
      await round.execute(plan.actions);
      return undefined;
    },
  });
  endpoints.subscribe(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) driver.enqueueAfter(keyOf(object), options.batchMs);
  });
  services.subscribe(({ before, after }) => {
    const service = after ?? before;
    if (service !== undefined) driver.enqueue(keyOf(service));
  });
  slices.subscribe(({ before, after }) => {
    for (const slice of [before, after]) {
      const key = slice === undefined ? undefined : serviceOf(slice, controllerName);
      if (key !== undefined) driver.enqueue(key);
    }
  });
  await driver.start();
}
