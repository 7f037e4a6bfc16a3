// Taints and tolerations. https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
import type { Taint, Toleration } from '@drydock/api/generated/types.ts';

/** Whether one toleration covers the taint. */
export function toleratesTaint(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator || 'Equal') {
    case 'Exists':
      return true;
    case 'Equal':
      return Boolean(toleration.key) && (toleration.value ?? '') === (taint.value ?? '');
    case 'Lt':
      return compare(taint, toleration, (node, limit) => node < limit);
    case 'Gt':
      return compare(taint, toleration, (node, limit) => node > limit);
    default:
      return false;
  }
}

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some((toleration) => toleratesTaint(toleration, taint));
}

function compare(taint: Taint, toleration: Toleration, holds: (node: bigint, limit: bigint) => boolean): boolean {
  const number = /^-?\d+$/;
  if (!number.test(taint.value ?? '') || !number.test(toleration.value ?? '')) return false;
  return holds(BigInt(taint.value ?? 0), BigInt(toleration.value ?? 0));
}
