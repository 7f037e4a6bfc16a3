// PersistentVolumeClaimResize: a claim grows where its class lets it (plugin/pkg/admission/storage/persistentvolume/resize).
import type { PersistentVolumeClaim, StorageClass } from '@drydock/api/generated/types.ts';
import { compareQuantities } from '@drydock/api/quantity.ts';
import { classOfClaim } from '@drydock/api/storage/classes.ts';
import { storageIn } from '@drydock/api/storage/size.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionPlugin } from './admission.ts';

/** @param findClass the storage class as it is now. */
export function claimResize(findClass: (name: string) => Promise<StorageClass | undefined>): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    async validate({ info, operation, subresource, object, old, name }) {
      if (info.group !== '' || info.resource !== 'persistentvolumeclaims' || operation !== 'UPDATE' || subresource !== '')
        return;
      const [claim, before] = [object as PersistentVolumeClaim, old as PersistentVolumeClaim];
      const sizeOf = ({ spec }: PersistentVolumeClaim) => storageIn(spec?.resources?.requests);
      if (compareQuantities(sizeOf(claim), sizeOf(before)) <= 0) return;
      if (before.status?.phase !== 'Bound')
        throw forbiddenObject(info, name, 'Only bound persistent volume claims can be expanded');
      const className = classOfClaim(claim);
      const found = className !== '' && className === classOfClaim(before) ? await findClass(className) : undefined;
      if (found?.allowVolumeExpansion !== true) {
        const why =
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
        throw forbiddenObject(info, name, why);
      }
    },
  };
}
