// Why volumes of a pod are not there, and what of it its user is told and when: pure (pkg/kubelet/volumemanager,
// WaitForAttachAndMount; operationexecutor).
import { ClaimFailure } from './claims.ts';
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
    const failed = this.failures.filter(({ error }) => !(error instanceof MountPending || error instanceof ClaimFailure));
    const unknown = this.failures.find(({ error }) => error instanceof ClaimFailure);
    const texts = failed.map(({ error }) => error.message);
    if (unknown !== undefined) return [...texts, this.#missing(unknown.error.message)];
    return hasWaited ? [...texts, this.#missing('context deadline exceeded')] : texts;
  }

  #missing(why: string): string {
    const list = (kind: string, chosen: (error: VolumeError) => boolean) => {
      const names = this.failures.filter(({ error }) => chosen(error)).map(({ volume }) => volume);
      return `${kind} volumes=[${names.sort().join(' ')}]`;
    };
    const lists = [
      list('unmounted', () => true),
      list('unattached', (error) => error instanceof MountPending && error.isUnattached),
      list('failed to process', (error) => error instanceof ClaimFailure),
    ];
    return `Unable to attach or mount volumes: ${lists.join(', ')}: ${why}`;
  }
}
