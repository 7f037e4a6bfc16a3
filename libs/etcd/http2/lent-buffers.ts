// Large buffers that go round: memory outside of the heap that is new for each message costs page faults, and collections of the
// whole heap, for V8 begins one after so many bytes of it.

/** What is shorter is not lent, for then a copy costs less. */
export const lentBytesMin = 32 << 10;
/** A larger buffer is not kept. */
const keptBytesMax = 1 << 20;
/** Of all that wait here. */
const pooledBytesMax = 4 << 20;

const pool: Buffer[] = [];
let pooledBytes = 0;
/** What is lent, by the view that was given out: one that has come back is unknown, whatever is in its memory now. */
const lent = new WeakMap<Buffer, Buffer>();

/** A buffer of any size; undefined where there is none. */
export function takeBuffer(): Buffer | undefined {
  const buffer = pool.pop();
  if (buffer !== undefined) pooledBytes -= buffer.length;
  return buffer;
}

/** Nobody reads or writes it any more. */
export function giveBuffer(buffer: Buffer): void {
  if (buffer.length === 0 || buffer.length > keptBytesMax || pooledBytes + buffer.length > pooledBytesMax) return;
  pool.push(buffer);
  pooledBytes += buffer.length;
}

/** The beginning of a buffer, for one reader: who has read it may say so by `giveBack`. */
export function lend(buffer: Buffer, length: number): Buffer {
  const view = buffer.subarray(0, length);
  lent.set(view, buffer);
  return view;
}

/** Has no effect on what was not lent. */
export function giveBack(view: Buffer): void {
  if (view.length < lentBytesMin) return;
  const buffer = lent.get(view);
  if (buffer === undefined) return;
  lent.delete(view);
  giveBuffer(buffer);
}
