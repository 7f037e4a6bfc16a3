// A claim that asks for more than its volume has: who makes it larger is told, and the claim's user that somebody will. Every volume is
// made larger by a program of its driver by now. Pure; follows upstream's pkg/controller/volume/expand.
import type { PersistentVolume, PersistentVolumeClaim } from '@drydock/api/generated/types.ts';
import { compareQuantities } from '@drydock/api/quantity.ts';
import { persistentVolumeClaims } from '@drydock/api/resource.ts';
import { preResizeCapacityAnnotation, storageResizerAnnotation } from '@drydock/api/storage/annotations.ts';
import { storageIn } from '@drydock/api/storage/size.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { migratedPluginOf } from '../common/migrated-plugins.ts';
import { nameOf, uidOf } from '../common/object-meta.ts';

/** Whether a change of the claim is of concern: it asks for more than before, or has got more. */
export function hasGrown(before: PersistentVolumeClaim | undefined, after: PersistentVolumeClaim): boolean {
  if (after.status?.phase !== 'Bound') return false;
  if (before === undefined) return true;
  const asks = compareQuantities(storageIn(after.spec?.resources?.requests), storageIn(before.spec?.resources?.requests));
  return asks > 0 || compareQuantities(storageIn(after.status.capacity), storageIn(before.status?.capacity)) > 0;
}

/** @param volume the one that the claim names; nothing is done about one that points elsewhere. */
export function planExpansion(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): Action[] {
  if (volume?.spec?.claimRef === undefined || volume.spec.claimRef.uid !== uidOf(claim)) return [];
  const isSmall = compareQuantities(storageIn(claim.spec?.resources?.requests), storageIn(claim.status?.capacity)) > 0;
  if (!isSmall && volume.metadata?.annotations?.[preResizeCapacityAnnotation] === undefined) return [];
  const migrated = migratedPluginOf(volume);
  if (migrated === undefined) return [said(claim, 'waiting for an external controller to expand this PVC')];
  const event = said(claim, `CSI migration enabled for ${migrated.plugin}; waiting for external resizer to expand the pvc`);
  if (claim.metadata?.annotations?.[storageResizerAnnotation] === migrated.driver) return [event];
  const { namespace, uid, resourceVersion } = claim.metadata ?? {};
  return [
    event,
    {
      verb: 'patch',
      resource: persistentVolumeClaims,
      key: { namespace, name: nameOf(claim) },
      // What the controller may write of a claim is its status, with which the annotations go.
      subresource: 'status',
      patch: {
        type: 'merge',
        body: { metadata: { uid, resourceVersion, annotations: { [storageResizerAnnotation]: migrated.driver } } },
      },
    },
  ];
}

function said(claim: PersistentVolumeClaim, message: string): Action {
  return eventAbout(persistentVolumeClaims, claim, 'Normal', 'ExternalExpanding', message);
}
