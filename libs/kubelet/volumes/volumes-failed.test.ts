import { expect, test } from 'vitest';
import { ClaimFailure } from './claims.ts';
import { MountPending } from './csi/mount-failure.ts';
import { VolumeError } from './payload.ts';
import { type VolumeFailure, VolumesFailed } from './volumes-failed.ts';

const unbound: VolumeFailure = { volume: 'c', error: new ClaimFailure('error processing PVC d/c: PVC is not bound') };
const attaching: VolumeFailure = { volume: 'b', error: new MountPending('', { isUnattached: true }) };
const later: VolumeFailure = { volume: 'a', error: new MountPending('') };
const failed: VolumeFailure = { volume: 'f', error: new VolumeError('it failed') };

const missing = (text: string) => `Unable to attach or mount volumes: ${text}`;

test.each<[VolumeFailure[], boolean, string[]]>([
  [[attaching, later], false, []],
  [
    [attaching, later],
    true,
    [missing('unmounted volumes=[a b], unattached volumes=[b], failed to process volumes=[]: context deadline exceeded')],
  ],
  [[failed, later], false, ['it failed']],
  [
    [unbound, failed, attaching],
    false,
    [
      'it failed',
      missing(
        'unmounted volumes=[b c f], unattached volumes=[b], failed to process volumes=[c]: error processing PVC d/c: PVC is not bound',
      ),
    ],
  ],
])('%#: what is said of volumes that are not there', (failures, hasWaited, texts) => {
  expect(new VolumesFailed(failures).events(hasWaited)).toEqual(texts);
});
