// How a pod of a manifest, and its mirror in the API server, are known: by annotations of upstream's (pkg/kubelet/types).
import type { Pod } from '@drydock/api/generated/types.ts';

export type SourceName = 'file' | 'http';

export const sourceAnnotation = 'kubernetes.io/config.source';
/** Of a pod of a manifest: the digest of that. */
export const hashAnnotation = 'kubernetes.io/config.hash';
/** Of a pod of a manifest: when this kubelet first saw it. */
export const seenAnnotation = 'kubernetes.io/config.seen';
/** Of its mirror: the digest of what it mirrors. */
export const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** Whether the pod is one of a manifest. What pods of the API server say of their source is taken off before (`ofApi`). */
export function isStatic(pod: Pod): boolean {
  const source = pod.metadata?.annotations?.[sourceAnnotation];
  return source === 'file' || source === 'http';
}

/** The digest of what the pod mirrors; undefined where it mirrors nothing. */
export function mirrored(pod: Pod): string | undefined {
  return pod.metadata?.annotations?.[mirrorAnnotation];
}

/** A pod as the API server has it: that it comes from elsewhere, anybody may have written. */
export function ofApi(pod: Pod): Pod {
  const { [sourceAnnotation]: claimed, ...annotations } = pod.metadata?.annotations ?? {};
  if (claimed === undefined || claimed === 'api') return pod;
  return { ...pod, metadata: { ...pod.metadata, annotations: { ...annotations, [sourceAnnotation]: 'api' } } };
}

/** `namespace/name`: what a pod and its mirror have in common. */
export function fullName(pod: Pod): string {
  return `${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''}`;
}
