// Every namespace has the cluster's CA bundle in a ConfigMap, for the service-account volume of its pods. Pure; follows
// upstream's pkg/controller/certificates/rootcacertpublisher.
import type { ConfigMap, Namespace } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import type { Plan } from '../common/action.ts';
import { isBeingDeleted, nameOf } from '../common/object-meta.ts';

export const rootCaConfigMap = 'kube-root-ca.crt';
const descriptionAnnotation = 'kubernetes.io/description';
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal ' +
  'service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** @param bundle PEM certificates. */
export function planRootCa(namespace: Namespace, existing: ConfigMap | undefined, bundle: string): Plan {
  if (isBeingDeleted(namespace)) return { actions: [] };
  const described = { [descriptionAnnotation]: description };
  if (existing === undefined) {
    const metadata = { name: rootCaConfigMap, namespace: nameOf(namespace), annotations: described };
    const object: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': bundle } };
    return { actions: [{ verb: 'create', resource: configMaps, object }] };
  }
  const { data = {}, metadata } = existing;
  const intact = Object.keys(data).length === 1 && data['ca.crt'] === bundle;
  if (intact && metadata?.annotations?.[descriptionAnnotation] !== undefined) return { actions: [] };
  const annotations = { ...metadata?.annotations, ...described };
  const object: ConfigMap = { ...existing, metadata: { ...metadata, annotations }, data: { 'ca.crt': bundle } };
  return { actions: [{ verb: 'update', resource: configMaps, object }] };
}
