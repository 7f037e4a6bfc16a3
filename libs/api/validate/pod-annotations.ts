// Annotations of a pod that say what it is: a kubelet ends, or never starts, what it takes for a mirror of a pod of its own, so nobody
// makes one of a pod that is there, or something else of one (pkg/apis/core/validation: ValidatePodSpecificAnnotationUpdates).
import { appArmorAnnotation } from '../confinement-annotations.ts';
import type { Pod } from '../generated/types.ts';
import { type FieldError, forbidden, invalid } from './field-error.ts';

export const mirrorAnnotation = 'kubernetes.io/config.mirror';

const at = (key: string) => `metadata.annotations[${key}]`;

/** Of a new pod. */
export function mirrorOfNode(pod: Pod): FieldError[] {
  const value = pod.metadata?.annotations?.[mirrorAnnotation];
  return value === undefined || pod.spec?.nodeName
    ? []
    : [invalid(at(mirrorAnnotation), value, 'must set spec.nodeName if mirror pod annotation is set')];
}

/** Of every write of a pod that is there, its subresources' too. */
export function changedAnnotations(pod: Pod, old: Pod): FieldError[] {
  const [now, before] = [pod.metadata?.annotations ?? {}, old.metadata?.annotations ?? {}];
  const what = (key: string) =>
    key === mirrorAnnotation
      ? 'mirror pod annotation'
      : key.startsWith(appArmorAnnotation)
        ? 'AppArmor annotations'
        : undefined;
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) => {
    const guarded = what(key);
    if (guarded === undefined || now[key] === before[key]) return [];
    return [forbidden(at(key), `may not ${before[key] === undefined ? 'add' : 'remove or update'} ${guarded}`)];
  });
}
