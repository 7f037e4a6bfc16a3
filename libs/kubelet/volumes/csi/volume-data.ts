// vol_data.json: what is noted of a volume of a CSI driver beside where it is mounted, so that who comes later can undo it. Names and
// form are upstream's: either kubelet takes over from the other.
import { attachmentName, type DriverVolume } from '@drydock/api/storage/attachments.ts';
import type { CsiVolume } from './volume.ts';

export const dataFile = 'vol_data.json';
export const dataBytesMax = 64 * 1024;

export interface VolumeData extends DriverVolume {
  readonly isPersistent: boolean;
}

/** In a pod's folder. */
export function podVolumeData(volume: CsiVolume, nodeName: string): Buffer {
  return encode({
    specVolID: volume.name,
    volumeHandle: volume.handle,
    driverName: volume.driver,
    nodeName,
    attachmentID: attachmentName(volume, nodeName),
    volumeLifecycleMode: volume.mode,
  });
}

/** Where it is staged. */
export function stagedVolumeData({ driver, handle }: DriverVolume): Buffer {
  return encode({ volumeHandle: handle, driverName: driver });
}

/** Throws where it is no such file's content. */
export function parseVolumeData(content: Buffer): VolumeData {
  const parsed = JSON.parse(content.toString()) as Record<string, unknown> | null;
  const { driverName, volumeHandle, volumeLifecycleMode } = parsed ?? {};
  if (typeof driverName !== 'string' || driverName === '' || typeof volumeHandle !== 'string' || volumeHandle === '')
    throw new Error('it names no driver and no volume');
  return { driver: driverName, handle: volumeHandle, isPersistent: volumeLifecycleMode !== 'Ephemeral' };
}

function encode(data: Readonly<Record<string, string>>): Buffer {
  const sorted = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(`${JSON.stringify(Object.fromEntries(sorted))}\n`);
}
