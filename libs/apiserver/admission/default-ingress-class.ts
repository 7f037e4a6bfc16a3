// DefaultIngressClass: an Ingress that names no class gets the default one (plugin/pkg/admission/defaultingressclass).
import type { Ingress, IngressClass } from '@drydock/api/generated/types.ts';
import { newestFirst } from '@drydock/api/newest-first.ts';
import type { AdmissionPlugin } from './admission.ts';

const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class';
const legacyAnnotation = 'kubernetes.io/ingress.class';

/** @param classes all of them, as they are now. */
export function defaultIngressClass(classes: () => Promise<Iterable<IngressClass>>): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    async mutate({ info, operation, subresource, object }) {
      if (info.group !== 'networking.k8s.io' || info.resource !== 'ingresses') return;
      if (operation !== 'CREATE' || subresource !== '') return;
      const ingress = object as Ingress;
      const { annotations = {} } = ingress.metadata ?? {};
      if (ingress.spec?.ingressClassName !== undefined || Object.hasOwn(annotations, legacyAnnotation)) return;
      const defaults = [...(await classes())].filter((each) => each.metadata?.annotations?.[defaultAnnotation] === 'true');
      const name = newestFirst(defaults)[0]?.metadata?.name;
      if (name !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: name };
    },
  };
}
