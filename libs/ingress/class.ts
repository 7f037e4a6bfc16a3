// Which Ingresses are this controller's: by class, by the older annotation, by being the default. ingress-nginx's rules.
import type { Ingress, IngressClass } from '@drydock/api/generated/types.ts';

export interface ClassOptions {
  /** `spec.controller` of the classes that are ours. */
  readonly controller: string;
  /** The value of the older annotation that means us. */
  readonly annotationValue: string;
  /** Ingresses that say nothing are ours too. */
  readonly watchWithoutClass: boolean;
  /** A class of the name `annotationValue` is ours whatever its controller. */
  readonly byName: boolean;
}

export const classAnnotation = 'kubernetes.io/ingress.class';

/** Whether a class is served by this controller. */
export function isOurClass(ingressClass: IngressClass, options: ClassOptions): boolean {
  return (
    ingressClass.spec?.controller === options.controller ||
    (options.byName && ingressClass.metadata?.name === options.annotationValue)
  );
}

/**
 * Whether the Ingress is this controller's. The annotation wins over the field, as in ingress-nginx. A class that does not exist is
 * nobody's.
 */
export function isOurs(ingress: Ingress, classes: readonly IngressClass[], options: ClassOptions): boolean {
  const annotation = ingress.metadata?.annotations?.[classAnnotation];
  if (annotation !== undefined && annotation !== '') {
    if (annotation === options.annotationValue) return true;
    return classes.some((candidate) => candidate.metadata?.name === annotation && isOurClass(candidate, options));
  }
  const name = ingress.spec?.ingressClassName;
  if (name === undefined || name === '') return options.watchWithoutClass;
  return classes.some((candidate) => candidate.metadata?.name === name && isOurClass(candidate, options));
}

/** What is to be said of a class of ours; undefined where nothing is. */
export function classProblem(ingressClass: IngressClass): string | undefined {
  const parameters = ingressClass.spec?.parameters;
  return parameters === undefined
    ? undefined
    : `spec.parameters (${parameters.apiGroup ?? 'core'}/${parameters.kind} ${parameters.name}): this controller has no parameters; the ConfigMap of --configmap is what it reads`;
}
