// Ingress and IngressClass of extensions/v1beta1 and networking.k8s.io/v1beta1.
import { isObject, type JsonObject } from '../json.ts';
import { fillIn, objectAt, objectsAt, renameField } from './fields.ts';

/** Backends name their Service in a structure of their own, and each path says how it matches (it was left to the controller). */
export function ingress(object: JsonObject): void {
  const spec = objectAt(object, 'spec');
  renameField(spec, 'backend', 'defaultBackend');
  if (isObject(spec.defaultBackend)) spec.defaultBackend = backend(spec.defaultBackend);
  for (const rule of objectsAt(spec, 'rules'))
    for (const path of objectsAt(objectAt(rule, 'http'), 'paths')) {
      fillIn(path, { pathType: 'ImplementationSpecific' });
      if (isObject(path.backend)) path.backend = backend(path.backend);
    }
}

function backend(old: JsonObject): JsonObject {
  const { serviceName, servicePort, ...rest } = old;
  if (serviceName === undefined && servicePort === undefined) return rest;
  const port =
    servicePort === undefined ? undefined : typeof servicePort === 'number' ? { number: servicePort } : { name: servicePort };
  return { service: { name: serviceName, ...(port === undefined ? {} : { port }) }, ...rest };
}

/** Parameters that said no scope were of the cluster's, and still are. */
export function ingressClass(object: JsonObject): void {
  const spec = objectAt(object, 'spec');
  if (isObject(spec.parameters)) fillIn(spec.parameters, { scope: 'Cluster' });
}
