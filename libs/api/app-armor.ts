// AppArmor by annotation, as it was before the field came: new pods get the field that says the same
// (https://kubernetes.io/docs/tutorials/security/apparmor/).
import { appArmorAnnotation } from './confinement-annotations.ts';
import type { AppArmorProfile, Pod } from './generated/types.ts';
import { semanticEqual } from './json.ts';

/** The profile that an annotation names; undefined where it names none that a field could hold. */
export function appArmorFromAnnotation(value: string): AppArmorProfile | undefined {
  if (value === 'unconfined') return { type: 'Unconfined' };
  if (value === 'runtime/default') return { type: 'RuntimeDefault' };
  const name = /^localhost\/(.+)$/s.exec(value)?.[1];
  return name === undefined || name.trim() !== name ? undefined : { type: 'Localhost', localhostProfile: name };
}

/** Containers without the field get what their annotation says, unless the pod's field says it already. */
export function fieldsFromAppArmorAnnotations(pod: Pod): void {
  const { spec, metadata } = pod;
  if (spec === undefined || spec.os?.name === 'windows') return;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    const value = metadata?.annotations?.[appArmorAnnotation + container.name];
    if (value === undefined || container.securityContext?.appArmorProfile !== undefined) continue;
    const profile = appArmorFromAnnotation(value);
    if (profile === undefined || semanticEqual(profile, spec.securityContext?.appArmorProfile)) continue;
    container.securityContext = { ...container.securityContext, appArmorProfile: profile };
  }
}
