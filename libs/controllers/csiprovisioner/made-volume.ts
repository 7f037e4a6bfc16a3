// The PersistentVolume of a volume that a driver has made for a claim. Pure; follows external-provisioner.
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@drydock/api/generated/types.ts';
import { formatQuantity, quantityOf } from '@drydock/api/quantity.ts';
import { persistentVolumeClaims } from '@drydock/api/resource.ts';
import { provisionedByAnnotation } from '@drydock/api/storage/annotations.ts';
import { classOfClaim } from '@drydock/api/storage/classes.ts';
import { referenceTo } from '../common/action.ts';
import type { MadeVolume, NewVolume, VolumeDriver } from '../common/volume-driver.ts';
import { provisionerFinalizer } from './volume-plan.ts';

const secretAnnotations = [
  'volume.kubernetes.io/provisioner-deletion-secret-name',
  'volume.kubernetes.io/provisioner-deletion-secret-namespace',
];
const identityAttribute = 'storage.kubernetes.io/csiProvisionerIdentity';

/** Bytes as the cluster writes them: `1Gi`. */
export function bytesText(bytes: number): string {
  return formatQuantity(quantityOf(bytes, 'BinarySI'));
}

/** @param identity of this provisioner, for people. */
export function persistentVolumeOf(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  asked: NewVolume,
  made: MadeVolume,
  { driver, identity }: { readonly driver: Pick<VolumeDriver, 'name'>; readonly identity: string },
): PersistentVolume {
  const { mountOptions = [], reclaimPolicy } = storageClass;
  const fsType = asked.uses[0]?.mount?.fs_type ?? '';
  const secrets = Object.fromEntries(secretAnnotations.map((name) => [name, '']));
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: asked.name,
      annotations: { [provisionedByAnnotation]: driver.name, ...secrets },
      finalizers: [provisionerFinalizer],
    },
    spec: {
      accessModes: claim.spec?.accessModes ?? [],
      capacity: { storage: bytesText(made.bytes === 0 ? asked.bytes : made.bytes) },
      claimRef: referenceTo(persistentVolumeClaims, claim),
      csi: {
        driver: driver.name,
        volumeHandle: made.handle,
        volumeAttributes: { [identityAttribute]: identity, ...made.attributes },
        ...(fsType === '' ? {} : { fsType }),
      },
      ...(mountOptions.length === 0 ? {} : { mountOptions }),
      ...affinityOf(made),
      ...(reclaimPolicy === undefined ? {} : { persistentVolumeReclaimPolicy: reclaimPolicy }),
      storageClassName: classOfClaim(claim),
      ...(claim.spec?.volumeMode === undefined ? {} : { volumeMode: claim.spec.volumeMode }),
    },
  };
}

function affinityOf({ topologies }: MadeVolume): Pick<NonNullable<PersistentVolume['spec']>, 'nodeAffinity'> {
  const terms = topologies
    .filter((segments) => Object.keys(segments).length > 0)
    .map((segments) => ({
      matchExpressions: Object.entries(segments).map(([key, value]) => ({ key, operator: 'In', values: [value] })),
    }));
  return terms.length === 0 ? {} : { nodeAffinity: { required: { nodeSelectorTerms: terms } } };
}
