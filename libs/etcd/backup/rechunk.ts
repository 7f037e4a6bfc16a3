/** The same bytes in pieces of one size, each in a buffer that `next` gives; the last may be shorter. */
export function* rechunk(pieces: Iterable<Buffer>, bytes: number, next: () => Buffer): Generator<Buffer> {
  let chunk = next();
  let size = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const copied = piece.copy(chunk, size, at);
      size += copied;
      at += copied;
      if (size < bytes) continue;
      yield chunk;
      chunk = next();
      size = 0;
    }
  }
  if (size > 0) yield chunk.subarray(0, size);
}
