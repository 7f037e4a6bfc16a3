// Drives plan.ts, and the same for the CA bundle (../rootca): one object of a fixed name in every namespace.
import type { Namespace, Pod } from '@drydock/api/generated/types.ts';
import {
  configMaps,
  type KubeObject,
  namespaces as namespaceResource,
  pods as podResource,
  type Resource,
  serviceAccounts,
} from '@drydock/api/resource.ts';
import type { Plan } from '../common/action.ts';
import { Driver } from '../common/driver.ts';
import { keyOf, nameOf, namespaceOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { planRootCa, rootCaConfigMap } from '../rootca/plan.ts';
import { asksForServiceCa, planServiceCa, serviceCaConfigMap } from '../serviceca/plan.ts';
import { defaultServiceAccount, planServiceAccount } from './plan.ts';

interface PerNamespace<T extends KubeObject> {
  readonly controller: string;
  readonly resource: Resource<T>;
  /** The object's name, the same in every namespace. */
  readonly name: string;
  plan(namespace: Namespace, existing: T | undefined): Plan;
  /** Where given, nothing is made before a pod somewhere asks for it. */
  readonly askedBy?: (pod: Pod) => boolean;
}

async function startPerNamespace<T extends KubeObject>(spec: PerNamespace<T>, context: ControllerContext): Promise<void> {
  const namespaces = context.caches.of(namespaceResource);
  const objects = context.caches.of(spec.resource);
  const { askedBy } = spec;
  let asked = askedBy === undefined;
  const driver = new Driver(context, {
    name: spec.controller,
    concurrency: 1,
    caches: [namespaces, objects],
    sync: async (key, round) => {
      const namespace = namespaces.get({ name: key });
      if (namespace === undefined || !asked) return undefined;
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
  if (askedBy !== undefined) {
    context.caches.of(podResource).subscribe(({ after }) => {
      if (asked || after === undefined || !askedBy(after)) return;
      asked = true;
      for (const namespace of namespaces.list()) driver.enqueue(keyOf(namespace));
    });
  }
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

/** Starts the controller; it does nothing on an apiserver that does not ask for it. */
export function startServiceCaPublisher(context: ControllerContext): Promise<void> {
  const controller = 'service-ca-cert-publisher';
  return startPerNamespace(
    { controller, resource: configMaps, name: serviceCaConfigMap, plan: planServiceCa, askedBy: asksForServiceCa },
    context,
  );
}
