// Whether a claim's volume is to be made, here and now, and how. Pure; follows external-provisioner (pkg/controller/controller.go) and its
// library (sig-storage-lib-external-provisioner, controller/controller.go) with one provisioner per node.
import type { PersistentVolumeClaim, StorageClass, TypedObjectReference } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims } from '@drydock/api/resource.ts';
import {
  betaStorageProvisionerAnnotation,
  selectedNodeAnnotation,
  storageProvisionerAnnotation,
} from '@drydock/api/storage/annotations.ts';
import { bindsForFirstConsumer, classOfClaim } from '@drydock/api/storage/classes.ts';
import { storageIn } from '@drydock/api/storage/size.ts';
import { type Action, type EventAction, eventAbout } from '../common/action.ts';
import { keyOf, uidOf } from '../common/object-meta.ts';
import { DriverError, type NewVolume, type VolumeDriver, type VolumeUse } from '../common/volume-driver.ts';
import { PreparationError, parametersOf } from './parameters.ts';

/** What is known besides the claim. */
export interface ClaimView {
  readonly storageClass: StorageClass | undefined;
  /** Whether there is a volume of the name that the claim's has. */
  readonly isMade: boolean;
  readonly driver: Pick<VolumeDriver, 'name' | 'nodeName' | 'topology'>;
}

export type ClaimPlan =
  /** Nothing is to be done here. */
  | { readonly kind: 'none'; readonly why: string }
  /** No node has been chosen, and none will be: the first who says so makes it. */
  | { readonly kind: 'claim'; readonly action: Action }
  /** It cannot be made as things are. */
  | { readonly kind: 'refused'; readonly actions: readonly Action[]; readonly why: string; readonly isOver: boolean }
  | { readonly kind: 'make'; readonly said: EventAction; readonly volume: NewVolume; readonly storageClass: StorageClass };

/** The name of the volume that is made for a claim. */
export function volumeNameOf(claim: PersistentVolumeClaim): string {
  return `pvc-${uidOf(claim)}`;
}

/** The size that the claim asks for. */
export function bytesAsked({ spec }: PersistentVolumeClaim): number {
  return Number(storageIn(spec?.resources?.requests).value());
}

export function planClaim(claim: PersistentVolumeClaim, { storageClass, isMade, driver }: ClaimView): ClaimPlan {
  const none = (why: string): ClaimPlan => ({ kind: 'none', why });
  const { annotations } = claim.metadata ?? {};
  if ((claim.spec?.volumeName ?? '') !== '') return none('it has a volume');
  const provisioner = annotations?.[storageProvisionerAnnotation] ?? annotations?.[betaStorageProvisionerAnnotation];
  if (provisioner !== driver.name) return none('it is for another provisioner, or for none yet');
  const node = annotations?.[selectedNodeAnnotation] ?? '';
  if (node !== '' && node !== driver.nodeName) return none('it is for another node');
  if (isMade) return none('its volume has been made');
  if (storageClass === undefined)
    return {
      kind: 'refused',
      actions: [],
      why: `storageClass ${JSON.stringify(classOfClaim(claim))} not found`,
      isOver: false,
    };
  if (storageClass.provisioner !== driver.name) return none('its class is of another provisioner');
  if (node === '') {
    if (bindsForFirstConsumer(storageClass)) return none('it waits for its first consumer');
    if (!isAllowed(storageClass, driver.topology)) return none('its class allows no volume here');
    return { kind: 'claim', action: withNode(claim, driver.nodeName) };
  }
  return planVolume(claim, storageClass, driver);
}

function planVolume(claim: PersistentVolumeClaim, storageClass: StorageClass, driver: ClaimView['driver']): ClaimPlan {
  const about = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    eventAbout(persistentVolumeClaims, claim, type, reason, message);
  const said = about(
    'Normal',
    'Provisioning',
    `External provisioner is provisioning volume for claim ${JSON.stringify(keyOf(claim))}`,
  );
  const source = sourceOf(claim);
  if (source !== undefined && !isOwnSource(source)) {
    const assumed = about('Normal', 'Provisioning', 'Assuming an external populator will provision the volume');
    return { kind: 'refused', actions: [said, assumed], why: 'somebody else fills it', isOver: true };
  }
  try {
    const volume = newVolumeOf(claim, storageClass, driver);
    return { kind: 'make', said, volume, storageClass };
  } catch (error) {
    if (!(error instanceof PreparationError)) throw error;
    const failed = about('Warning', 'ProvisioningFailed', error.message);
    return { kind: 'refused', actions: [said, failed], why: error.message, isOver: false };
  }
}

/** Throws PreparationError, in upstream's words, in the order in which it looks. */
function newVolumeOf(claim: PersistentVolumeClaim, storageClass: StorageClass, driver: ClaimView['driver']): NewVolume {
  const source = sourceOf(claim);
  const lacks = (what: string, capability: string) =>
    new PreparationError(`CSI driver does not support ${what}: controller ${capability} capability is not reported`);
  if (source?.kind === 'VolumeSnapshot') throw lacks('snapshot restore', 'CREATE_DELETE_SNAPSHOT');
  if (source?.kind === 'PersistentVolumeClaim') throw lacks('clone operations', 'CLONE_VOLUME');
  if (claim.spec?.volumeAttributesClassName) throw lacks('VolumeAttributesClass', 'MODIFY_VOLUME');
  if (claim.spec?.selector !== undefined) throw new PreparationError('claim Selector is not supported');
  const { fsType, parameters } = parametersOf(storageClass);
  const uses = (claim.spec?.accessModes ?? []).map((mode) => useOf(claim, storageClass, mode, fsType));
  if (!isAllowed(storageClass, driver.topology))
    throw new PreparationError(
      `error generating accessibility requirements: selected node '${JSON.stringify(driver.nodeName)}' is not in allowed topologies`,
    );
  return { name: volumeNameOf(claim), bytes: bytesAsked(claim), uses, parameters, topology: driver.topology };
}

/** As drivers know them that tell apart whether several pods of a node may write (csi-lib-utils, accessmodes). */
const csiModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'SINGLE_NODE_MULTI_WRITER',
  ReadWriteOncePod: 'SINGLE_NODE_SINGLE_WRITER',
  ReadOnlyMany: 'MULTI_NODE_READER_ONLY',
  ReadWriteMany: 'MULTI_NODE_MULTI_WRITER',
};

function useOf(claim: PersistentVolumeClaim, storageClass: StorageClass, accessMode: string, fsType: string): VolumeUse {
  const mode = csiModes[accessMode];
  if (mode === undefined) throw new PreparationError(`unsupported AccessMode in PVC: ${accessMode}`);
  const access = { access_mode: { mode } };
  if (claim.spec?.volumeMode === 'Block') return { block: {}, ...access };
  return { mount: { fs_type: fsType, mount_flags: storageClass.mountOptions ?? [] }, ...access };
}

function sourceOf({ spec }: PersistentVolumeClaim): TypedObjectReference | undefined {
  return spec?.dataSourceRef ?? spec?.dataSource;
}

function isOwnSource({ kind }: TypedObjectReference): boolean {
  return kind === 'VolumeSnapshot' || kind === 'PersistentVolumeClaim';
}

/** Whether the class allows volumes in that place: where it names none, everywhere. */
function isAllowed({ allowedTopologies = [] }: StorageClass, topology: Readonly<Record<string, string>>): boolean {
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(topology[key] ?? '')),
  );
}

/** What follows from that the driver has not made it. `retry`: when it is tried again. */
export interface Failure {
  readonly actions: readonly Action[];
  readonly retry: 'soon' | 'late' | 'never';
}

/** @param error of the driver. */
export function planFailure(claim: PersistentVolumeClaim, error: Error): Failure {
  const failed = (message: string) => eventAbout(persistentVolumeClaims, claim, 'Warning', 'ProvisioningFailed', message);
  const code = error instanceof DriverError ? error.code : 'Unknown';
  if (code === 'InvalidArgument') {
    const message = `Volume provisioning failed with infeasible error. Retries will be delayed. ${error.message}`;
    return { actions: [failed(message)], retry: 'late' };
  }
  // It may be had on another node: whoever chose this one chooses anew.
  if (code === 'ResourceExhausted') return { actions: [failed(error.message), withNode(claim, undefined)], retry: 'never' };
  return { actions: [failed(error.message)], retry: 'soon' };
}

/** In the version that was looked at: of several who choose, one wins. */
function withNode(claim: PersistentVolumeClaim, node: string | undefined): Action {
  const { [selectedNodeAnnotation]: _, ...others } = claim.metadata?.annotations ?? {};
  const annotations = node === undefined ? others : { ...others, [selectedNodeAnnotation]: node };
  return {
    verb: 'update',
    resource: persistentVolumeClaims,
    object: { ...claim, metadata: { ...claim.metadata, annotations } },
  };
}
