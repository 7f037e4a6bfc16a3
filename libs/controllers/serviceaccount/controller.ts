// Drives plan.ts, and the same for the CA bundle (../rootca): one object of a fixed name in every namespace.
import type { Namespace } from '@drydock/api/generated/types.ts';
import {
  configMaps,
  type KubeObject,
  namespaces as namespaceResource,
  type Resource,
  serviceAccounts,
} from '@drydock/api/resource.ts';
import type { Plan } from '../common/action.ts';
import { Driver } from '../common/driver.ts';
import { keyOf, nameOf, namespaceOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { planRootCa, rootCaConfigMap } from '../rootca/plan.ts';
import { defaultServiceAccount, planServiceAccount } from './plan.ts';

interface PerNamespace<T extends KubeObject> {
  readonly controller: string;
  readonly resource: Resource<T>;
  /** The object's name, the same in every namespace. */
  readonly name: string;
  plan(namespace: Namespace, existing: T | undefined): Plan;
}

async function startPerNamespace<T extends KubeObject>(spec: PerNamespace<T>, context: ControllerContext): Promise<void> {
  const namespaces = context.caches.of(namespaceResource);
  const objects = context.caches.of(spec.resource);
  const driver = new Driver(context, {
    name: spec.controller,
    concurrency: 1,
    caches: [namespaces, objects],
    sync: async (key, round) => {
      const namespace = namespaces.get({ name: key });
      if (namespace === undefined) return undefined;
      await round.execute(spec.plan(namespace, objects.get({ namespace: key, name: spec.name })).actions);
      return undefined;
    },
  });
  namespaces.subscribe(({ after }) => {
    if (after !== undefined) driver.enqueue(keyOf(after));
  });
  objects.subscribe(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined && nameOf(object) === spec.name) driver.enqueue(namespaceOf(object));
  });
  await driver.start();
}

/** Starts the controller; it runs until the context's signal aborts. */
export function startServiceAccountController(context: ControllerContext): Promise<void> {
  const controller = 'service-account-controller';
  return startPerNamespace(
    { controller, resource: serviceAccounts, name: defaultServiceAccount, plan: planServiceAccount },
    context,
  );
}

/** Starts the controller. @param bundle PEM certificates, the content of --root-ca-file. */
export function startRootCaPublisher(bundle: string, context: ControllerContext): Promise<void> {
  const controller = 'root-ca-cert-publisher';
  const plan: PerNamespace<KubeObject>['plan'] = (namespace, existing) => planRootCa(namespace, existing, bundle);
  return startPerNamespace({ controller, resource: configMaps, name: rootCaConfigMap, plan }, context);
}
