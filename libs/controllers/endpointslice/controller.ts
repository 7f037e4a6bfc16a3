// Drives plan.ts: which changes concern which Service.
import type { EndpointSlice, Node, Pod, Service } from '@drydock/api/generated/types.ts';
import {
  nodes as nodeResource,
  pods as podResource,
  services as serviceResource,
  endpointSlices as sliceResource,
} from '@drydock/api/resource.ts';
import { Driver, type Round } from '../common/driver.ts';
import { byNode, indexByNamespace, indexByNode } from '../common/indexes.ts';
import { keyOf, nameOf, splitKey } from '../common/object-meta.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { controllerName, planEndpointSlices, serviceOf } from './plan.ts';
import { nodeConcernsEndpoints, selectedPods, servicesOf } from './service-pods.ts';
import { type TriggerState, triggerTime } from './trigger-time.ts';

const byService = 'service';

interface SliceCaches {
  readonly services: Cache<Service>;
  readonly pods: Cache<Pod>;
  readonly nodes: Cache<Node>;
  readonly slices: Cache<EndpointSlice>;
}

export interface EndpointSliceOptions {
  readonly concurrency: number;
  /** --max-endpoints-per-slice */
  readonly maxPerSlice: number;
  /** --endpointslice-updates-batch-period: changes of pods are gathered this long. */
  readonly batchMs: number;
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startEndpointSliceController(options: EndpointSliceOptions, context: ControllerContext): Promise<void> {
  const caches: SliceCaches = {
    services: context.caches.of(serviceResource),
    pods: context.caches.of(podResource),
    nodes: context.caches.of(nodeResource),
    slices: context.caches.of(sliceResource),
  };
  indexByNamespace(caches.services);
  indexByNamespace(caches.pods);
  indexByNode(caches.pods);
  caches.slices.index(byService, (slice) => {
    const key = serviceOf(slice, controllerName);
    return key === undefined ? [] : [key];
  });
  const triggers = new Map<string, TriggerState>();
  const driver = new Driver(context, {
    name: 'endpointslice-controller',
    concurrency: options.concurrency,
    caches: [caches.services, caches.pods, caches.nodes, caches.slices],
    sync: (key, round) => sync(caches, options, triggers, key, round),
  });
  caches.services.subscribe(({ before, after }) => {
    const service = after ?? before;
    if (service !== undefined) driver.enqueue(keyOf(service));
  });
  caches.pods.subscribe((change) => {
    for (const key of servicesOf(change, caches.services)) driver.enqueueAfter(key, options.batchMs);
  });
  caches.slices.subscribe(({ before, after }) => {
    for (const slice of [before, after]) {
      const key = slice === undefined ? undefined : serviceOf(slice, controllerName);
      if (key !== undefined) driver.enqueue(key);
    }
  });
  caches.nodes.subscribe((change) => {
    if (!nodeConcernsEndpoints(change)) return;
    for (const pod of caches.pods.lookup(byNode, nameOf(change.after ?? change.before ?? {}))) {
      for (const key of servicesOf({ before: undefined, after: pod }, caches.services)) driver.enqueue(key);
    }
  });
  await driver.start();
}

async function sync(
  caches: SliceCaches,
  options: EndpointSliceOptions,
  triggers: Map<string, TriggerState>,
  key: string,
  round: Round,
): Promise<undefined> {
  const service = caches.services.get(splitKey(key));
  if (service === undefined) {
    // Its slices go with it: they name it as their owner, and the garbage collector follows.
    triggers.delete(key);
    return undefined;
  }
  const pods = selectedPods(service, caches.pods);
  const nodes = new Map<string, Node>();
  for (const pod of pods) {
    const name = pod.spec?.nodeName ?? '';
    const node = name === '' ? undefined : caches.nodes.get({ name });
    if (node !== undefined) nodes.set(name, node);
  }
  const trigger = triggerTime(service, pods, triggers.get(key));
  const plan = planEndpointSlices({
    service,
    pods,
    nodes,
    slices: [...caches.slices.lookup(byService, key)],
    triggerTime: trigger.time,
    maxPerSlice: options.maxPerSlice,
  });
  await round.execute(plan.actions);
  triggers.set(key, trigger.state);
  return undefined;
}
