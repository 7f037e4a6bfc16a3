// Why a volume is not there for its pod (pkg/volume/util/operationexecutor).
import { VolumeError } from '../payload.ts';

export type MountStep =
  | 'NewMounter initialization'
  | 'WaitForAttach'
  | 'MountDevice'
  | 'SetUp'
  | 'Setup failed while expanding volume';

/** A step failed; the text is that of the FailedMount event. */
export class MountFailure extends VolumeError {
  constructor(step: MountStep, volume: string, why: string, options?: ErrorOptions) {
    const what = step.includes(' failed ') ? step : `${step} failed`;
    super(`MountVolume.${what} for volume "${volume}" : ${why}`, options);
  }
}

/** Nothing has failed, or it has been said already: it is looked at again. */
export class MountPending extends VolumeError {
  /** The volume is not attached to this node. */
  readonly isUnattached: boolean;

  constructor(why: string, { isUnattached = false, ...options }: ErrorOptions & { readonly isUnattached?: boolean } = {}) {
    super(why, options);
    this.isUnattached = isUnattached;
  }
}
