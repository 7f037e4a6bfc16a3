// Whether a volume is to be made larger on its node, and what its claim says then: pure (pkg/volume/util/operationexecutor,
// node_expander.go; pkg/volume/util/resize_util.go).
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition } from '@drydock/api/generated/types.ts';
import { compareQuantities, type Quantity } from '@drydock/api/quantity.ts';
import { storageIn } from '@drydock/api/storage/size.ts';
import { PluginError } from '../../plugins/socket-client.ts';

export type ExpansionPlan =
  /** It is as large as it is to be, or nobody has got that far. */
  | { readonly kind: 'none' }
  /** It cannot be, as it is mounted read-only. */
  | { readonly kind: 'read-only'; readonly size: Quantity }
  /** `marks`: the claim says how far its expansion is. `updates`: the claim does not say the new size yet. */
  | { readonly kind: 'expand'; readonly size: Quantity; readonly marks: boolean; readonly updates: boolean };

type ClaimStatus = NonNullable<PersistentVolumeClaim['status']>;

const own = ['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError'];

/** `known`: how large it is on this node; undefined: what the claim said when it was mounted. */
export function planExpansion(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
  known: Quantity | undefined,
  readOnly: boolean,
): ExpansionPlan {
  const said = storageIn(claim.status?.capacity);
  const size = storageIn(volume.spec?.capacity);
  const status = claim.status?.allocatedResourceStatuses?.storage ?? '';
  if (compareQuantities(size, known ?? said) <= 0) return { kind: 'none' };
  if (readOnly) return { kind: 'read-only', size };
  // Another node of it was faster.
  if (compareQuantities(said, size) >= 0)
    return { kind: status === '' ? 'expand' : 'none', size, marks: false, updates: false };
  if (status !== '' && status !== 'NodeResizePending' && status !== 'NodeResizeInProgress') return { kind: 'none' };
  return { kind: 'expand', size, marks: status !== '', updates: true };
}

/** Of the claim's status, as a merge patch. */
export type StatusPatch = Readonly<Record<string, unknown>>;

export function inProgress(): StatusPatch {
  return { allocatedResourceStatuses: { storage: 'NodeResizeInProgress' } };
}

export function finished({ status }: PersistentVolumeClaim, size: Quantity): StatusPatch {
  return {
    capacity: { storage: size.toString() },
    conditions: othersOf(status),
    ...(status?.allocatedResourceStatuses?.storage === undefined ? {} : { allocatedResourceStatuses: { storage: null } }),
  };
}

/** The driver will not, or has not. `now`: RFC 3339. */
export function failed({ status }: PersistentVolumeClaim, error: Error, isInfeasible: boolean, now: string): StatusPatch {
  const condition: PersistentVolumeClaimCondition = {
    type: 'NodeResizeError',
    status: 'True',
    lastTransitionTime: now,
    message: `failed to expand pvc with ${error.message}`,
  };
  const kept = (status?.conditions ?? []).filter(({ type }) => type !== condition.type);
  return {
    conditions: [...kept, condition],
    ...(isInfeasible ? { allocatedResourceStatuses: { storage: 'NodeResizeInfeasible' } } : {}),
  };
}

/** Whether trying again is of no use. */
export function isInfeasible(cause: unknown): boolean {
  return cause instanceof PluginError && ['InvalidArgument', 'OutOfRange', 'NotFound'].includes(cause.code);
}

function othersOf(status: ClaimStatus | undefined): PersistentVolumeClaimCondition[] {
  return (status?.conditions ?? []).filter(({ type }) => !own.includes(type));
}
