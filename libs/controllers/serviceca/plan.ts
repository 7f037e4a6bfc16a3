// Some distributions' apiservers mount a second CA bundle into every pod, and no pod starts before its ConfigMap is there.
// Pure; the ConfigMap is as the distribution's own publisher makes it: empty, for an operator to fill.
import type { ConfigMap, Namespace, Pod } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import type { Plan } from '../common/action.ts';
import { isBeingDeleted, nameOf } from '../common/object-meta.ts';

export const serviceCaConfigMap = 'openshift-service-ca.crt';
const injectAnnotation = 'service.beta.openshift.io/inject-cabundle';

/** Whether this pod waits for the ConfigMap: only the apiserver puts it there. */
export function asksForServiceCa(pod: Pod): boolean {
  return (pod.spec?.volumes ?? []).some((volume) =>
    (volume.projected?.sources ?? []).some((source) => source.configMap?.name === serviceCaConfigMap),
  );
}

export function planServiceCa(namespace: Namespace, existing: ConfigMap | undefined): Plan {
  if (isBeingDeleted(namespace)) return { actions: [] };
  const annotations = { ...existing?.metadata?.annotations, [injectAnnotation]: 'true' };
  if (existing === undefined) {
    const metadata = { name: serviceCaConfigMap, namespace: nameOf(namespace), annotations };
    const object: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'service-ca.crt': '' } };
    return { actions: [{ verb: 'create', resource: configMaps, object }] };
  }
  if (existing.metadata?.annotations?.[injectAnnotation] === 'true') return { actions: [] };
  const object: ConfigMap = { ...existing, metadata: { ...existing.metadata, annotations } };
  return { actions: [{ verb: 'update', resource: configMaps, object }] };
}
