// A claim that asks for more than its volume has: the driver makes it larger, and volume and claim say so. Pure; follows external-resizer
// (pkg/controller/expand_and_recover.go) for a driver that has nothing to do on the node.
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimCondition,
  PersistentVolumeClaimStatus,
} from '@drydock/api/generated/types.ts';
import { compareQuantities, formatQuantity, parseQuantity, type Quantity, quantityOf } from '@drydock/api/quantity.ts';
import { persistentVolumeClaims, persistentVolumes } from '@drydock/api/resource.ts';
import { nodeExpansionNotRequiredAnnotation } from '@drydock/api/storage/annotations.ts';
import { storageIn } from '@drydock/api/storage/size.ts';
import { type Action, type EventAction, eventAbout, type WriteAction } from '../common/action.ts';
import { nameOf, uidOf } from '../common/object-meta.ts';
import { DriverError, isFinal } from '../common/volume-driver.ts';

const inProgress = 'ControllerResizeInProgress';
const infeasible = 'ControllerResizeInfeasible';
const resizeConditions = new Set(['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError']);

export type ResizePlan =
  | { readonly kind: 'none'; readonly why: string }
  /** The claim says first what is begun. */
  | { readonly kind: 'mark'; readonly action: WriteAction }
  | { readonly kind: 'expand'; readonly said: EventAction; readonly size: Quantity; readonly wasInfeasible: boolean };

/**
 * @param volume the one that the claim names.
 * @param mayChange whether the size that was begun with has failed for good: then another one may be asked for.
 */
export function planResize(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume | undefined,
  mayChange: boolean,
  now: string,
): ResizePlan {
  const none = (why: string): ResizePlan => ({ kind: 'none', why });
  if (claim.status?.phase !== 'Bound') return none('it is not bound');
  const asked = storageIn(claim.spec?.resources?.requests);
  if (compareQuantities(asked, storageIn(claim.status.capacity)) <= 0) return none('it has what it asks for');
  if (volume?.spec?.claimRef === undefined || volume.spec.claimRef.uid !== uidOf(claim))
    return none('its volume is of another claim');
  const size = sizeFor(claim, volume, mayChange);
  if (size === undefined) return none('the node has still to do its part');
  const wasInfeasible = statusOf(claim) === infeasible;
  const marked = withMarks(claim, size, now);
  if (marked !== undefined) return { kind: 'mark', action: updateStatus(marked) };
  const said = eventAbout(
    persistentVolumeClaims,
    claim,
    'Normal',
    'Resizing',
    `External resizer is resizing volume ${nameOf(volume)}`,
  );
  return { kind: 'expand', said, size, wasInfeasible };
}

/** What was begun is ended first. */
function sizeFor(claim: PersistentVolumeClaim, volume: PersistentVolume, mayChange: boolean): Quantity | undefined {
  const asked = storageIn(claim.spec?.resources?.requests);
  const begun = begunWith(claim);
  const status = statusOf(claim);
  const has = storageIn(volume.spec?.capacity);
  const isSmall = compareQuantities(has, asked) < 0;
  switch (status) {
    case 'NodeResizePending':
    case 'NodeResizeInProgress':
      return isSmall && begun !== undefined && compareQuantities(has, begun) < 0 ? begun : undefined;
    case 'NodeResizeInfeasible':
      return begun ?? asked;
    case inProgress:
      return (isSmall && mayChange ? undefined : begun) ?? asked;
    default:
      return (isSmall ? undefined : begun) ?? asked;
  }
}

function statusOf({ status }: PersistentVolumeClaim): string {
  return status?.allocatedResourceStatuses?.['storage'] ?? '';
}

function begunWith({ status }: PersistentVolumeClaim): Quantity | undefined {
  const text = status?.allocatedResources?.['storage'];
  return text === undefined ? undefined : parseQuantity(text);
}

/** The claim with the marks of being made larger; undefined where it has them. The size begun with already keeps what is said of it. */
function withMarks(claim: PersistentVolumeClaim, size: Quantity, now: string): PersistentVolumeClaim | undefined {
  const begun = begunWith(claim);
  const isSame = begun !== undefined && compareQuantities(begun, size) === 0;
  const { conditions = [] } = claim.status ?? {};
  const isResizing = conditions.some(({ type, status }) => type === 'Resizing' && status === 'True');
  const { [nodeExpansionNotRequiredAnnotation]: notRequired, ...annotations } = claim.metadata?.annotations ?? {};
  const hasStatus = statusOf(claim) !== '';
  if (isSame && hasStatus && isResizing && notRequired === undefined) return undefined;
  const resizing = { type: 'Resizing', status: 'True', lastTransitionTime: now };
  return {
    ...claim,
    metadata: { ...claim.metadata, annotations },
    status: {
      ...claim.status,
      conditions: mergeConditions(conditions, [resizing], isSame),
      allocatedResources: { ...claim.status?.allocatedResources, storage: formatQuantity(size) },
      ...(isSame && hasStatus ? {} : withResizeStatus(claim.status, inProgress)),
    },
  };
}

/** The driver has done it. */
export function planDone(claim: PersistentVolumeClaim, volume: PersistentVolume, bytes: number): Action[] {
  const storage = formatQuantity(quantityOf(bytes, 'BinarySI'));
  const isSaid = compareQuantities(storageIn(volume.spec?.capacity), quantityOf(bytes)) === 0;
  const larger: PersistentVolume = {
    ...volume,
    spec: { ...volume.spec, capacity: { ...volume.spec?.capacity, storage } },
  };
  const grown: WriteAction = { verb: 'update', resource: persistentVolumes, object: larger };
  const { allocatedResourceStatuses: _, conditions = [], ...status } = claim.status ?? {};
  const left = mergeConditions(conditions, [], false);
  const { storage: __, ...statuses } = claim.status?.allocatedResourceStatuses ?? {};
  const finished = updateStatus({
    ...claim,
    metadata: {
      ...claim.metadata,
      annotations: { ...claim.metadata?.annotations, [nodeExpansionNotRequiredAnnotation]: 'true' },
    },
    status: {
      ...status,
      capacity: { ...status.capacity, storage },
      ...(left.length === 0 ? {} : { conditions: left }),
      ...(Object.keys(statuses).length === 0 ? {} : { allocatedResourceStatuses: statuses }),
    },
  });
  const said = eventAbout(persistentVolumeClaims, claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded');
  return [...(isSaid ? [] : [grown]), finished, said];
}

/** Codes after which the same is not worth asking again soon. */
const infeasibleCodes = new Set(['InvalidArgument', 'OutOfRange', 'NotFound']);

export interface ResizeFailure {
  readonly actions: readonly Action[];
  /** Nothing goes on in the background: another size may be asked for. */
  readonly isFinal: boolean;
  readonly isInfeasible: boolean;
}

/** @param error of the driver. */
export function planFailure(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
  error: Error,
  resizer: string,
  now: string,
): ResizeFailure {
  const code = error instanceof DriverError ? error.code : '';
  const ends = isFinal(error) && code !== 'ResourceExhausted';
  const isInfeasible = infeasibleCodes.has(code);
  const message = `resize volume ${JSON.stringify(nameOf(volume))} by resizer ${JSON.stringify(resizer)} failed: ${error.message}`;
  const said = eventAbout(persistentVolumeClaims, claim, 'Warning', 'VolumeResizeFailed', message);
  if (!ends) return { actions: [said], isFinal: false, isInfeasible };
  const text = `failed to expand pvc with ${error.message}`;
  const { conditions = [] } = claim.status ?? {};
  const isSaid = conditions.some(({ type, message: old }) => type === 'ControllerResizeError' && old === text);
  const condition = { type: 'ControllerResizeError', status: 'True', lastTransitionTime: now, message: text };
  const status: PersistentVolumeClaimStatus = {
    ...claim.status,
    conditions: mergeConditions(conditions, [condition], true),
    ...(isInfeasible ? withResizeStatus(claim.status, infeasible) : {}),
  };
  const isMarked = isSaid && (!isInfeasible || statusOf(claim) === infeasible);
  return { actions: [...(isMarked ? [] : [updateStatus({ ...claim, status })]), said], isFinal: true, isInfeasible };
}

function withResizeStatus(status: PersistentVolumeClaimStatus | undefined, storage: string) {
  return { allocatedResourceStatuses: { ...status?.allocatedResourceStatuses, storage } };
}

/** Those of other sorts stay; of this sort, the new ones, and the old ones where `keep`. */
function mergeConditions(
  old: readonly PersistentVolumeClaimCondition[],
  added: readonly PersistentVolumeClaimCondition[],
  keep: boolean,
): PersistentVolumeClaimCondition[] {
  const left = new Map(added.map((each) => [each.type, each]));
  const merged = old.flatMap((each) => {
    if (!resizeConditions.has(each.type)) return [each];
    const newer = left.get(each.type);
    left.delete(each.type);
    if (newer !== undefined) return [newer];
    return keep ? [each] : [];
  });
  return [...merged, ...left.values()];
}

function updateStatus(object: PersistentVolumeClaim): WriteAction {
  return { verb: 'update', resource: persistentVolumeClaims, object, subresource: 'status' };
}
