// What is kept of a volume beside its folder: one small file. Pure.
import { createHash } from 'node:crypto';

export interface VolumeRecord {
  /** Names record and folder; the handle of the volume. */
  readonly id: string;
  /** Of the request by which it was made: who asks again gets the same volume. */
  readonly name: string;
  readonly capacityBytes: number;
  /** Its folder is being removed: it is there for nobody any more. */
  readonly isEnding: boolean;
  /** It was made for a pod when that was given it, and goes with the pod; others go when they are deleted, only. */
  readonly isOfPod: boolean;
}

const form = 1;

/** The same for the same name, so that who asks again after a crash means the same folder; no other node's. */
export function volumeIdOf(nodeId: string, name: string): string {
  return `vol-${createHash('sha256').update(`${nodeId}\0${name}`).digest('hex').slice(0, 40)}`;
}

export function isVolumeId(text: string): boolean {
  return /^vol-[0-9a-f]{40}$/.test(text);
}

export function encodeRecord({ name, capacityBytes, isEnding, isOfPod }: VolumeRecord): Buffer {
  const marks = { ...(isEnding ? { isEnding } : {}), ...(isOfPod ? { isOfPod } : {}) };
  return Buffer.from(`${JSON.stringify({ form, name, capacityBytes, ...marks })}\n`);
}

/** Undefined where it is no whole record of this form. */
export function decodeRecord(id: string, data: Uint8Array): VolumeRecord | undefined {
  try {
    const { form: found, name, capacityBytes, isEnding = false, isOfPod = false } = JSON.parse(Buffer.from(data).toString());
    const isWhole = found === form && typeof name === 'string' && Number.isSafeInteger(capacityBytes) && capacityBytes >= 0;
    const areMarks = typeof isEnding === 'boolean' && typeof isOfPod === 'boolean';
    return isWhole && areMarks ? { id, name, capacityBytes, isEnding, isOfPod } : undefined;
  } catch {
    return undefined;
  }
}
