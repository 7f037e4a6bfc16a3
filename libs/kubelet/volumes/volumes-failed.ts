// Why volumes of a pod are not there, and what of it its user is told and when: pure (pkg/kubelet/volumemanager,
// WaitForAttachAndMount; operationexecutor).
import { MountPending } from './csi/mount-failure.ts';
import { VolumeError } from './payload.ts';

/** Whoever waits for so long is told that they wait (podAttachAndMountTimeout). */
export const tellWaitMs = 123_000;

export interface VolumeFailure {
  /** As the pod calls it. */
  readonly volume: string;
  /** MountPending where nothing has failed now. */
  readonly error: VolumeError;
}

export class VolumesFailed extends VolumeError {
  readonly failures: readonly VolumeFailure[];

  constructor(failures: readonly VolumeFailure[]) {
    const first = failures.find(({ error }) => !(error instanceof MountPending)) ?? failures[0];
    super(first?.error.message ?? '', { cause: first?.error });
    this.failures = failures;
  }

  /** Texts of FailedMount events; `hasWaited`: also that all that are listed are still waited for. */
  events(hasWaited: boolean): string[] {
    const failed = this.failures.filter(({ error }) => !(error instanceof MountPending)).map(({ error }) => error.message);
    return hasWaited ? [...failed, this.#waiting()] : failed;
  }

  #waiting(): string {
    const names = this.failures.map(({ volume }) => volume).sort();
    const unattached = this.failures.filter(({ error }) => error instanceof MountPending && error.isUnattached);
    const there = `unmounted volumes=[${names.join(', ')}], unattached volumes=[${unattached.map(({ volume }) => volume).join(', ')}]`;
    return `Unable to attach or mount volumes: ${there}, failed to process volumes=[]: context deadline exceeded`;
  }
}
