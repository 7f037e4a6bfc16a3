// Sizes that are asked for and given, in bytes. Pure.
import { CsiError } from './csi-error.ts';
import type { CapacityRange } from './messages.ts';

/** Of a volume for which no size is asked: 1 GiB. */
export const defaultBytes = 1024 ** 3;

export interface Range {
  readonly required: number;
  /** Infinity: none. */
  readonly limit: number;
}

/** Throws CsiError InvalidArgument where no size can be in it. */
export function readRange(range: CapacityRange | null | undefined): Range {
  const [required, limit] = [readBytes(range?.required_bytes), readBytes(range?.limit_bytes)];
  if (limit !== 0 && limit < required)
    throw new CsiError('InvalidArgument', `the limit of ${limit} bytes is less than the ${required} bytes that are required`);
  return { required, limit: limit === 0 ? Number.POSITIVE_INFINITY : limit };
}

function readBytes(text: string | undefined): number {
  const bytes = Number(text ?? 0);
  if (Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
  throw new CsiError('InvalidArgument', `${text} is not a number of bytes that a volume can have`);
}

export function sizeFor({ required, limit }: Range): number {
  return required === 0 ? Math.min(defaultBytes, limit) : required;
}

export function isWithin(bytes: number, { required, limit }: Range): boolean {
  return bytes >= required && bytes <= limit;
}
