// A snapshot that another member sends, chunk by chunk; the sender is held back while one is stored.
import type { Log } from '@drydock/foundation/log.ts';
import { StatusError, type StreamCall, type StreamHandler } from '../rpc/service.ts';
import { decodeSnapshotChunk, type SnapshotChunk } from './message-codec.ts';
import type { PeerHandler } from './transport.ts';

const aborted = 10;

/** A snapshot did not arrive whole. */
export class IncompleteSnapshotError extends Error {
  override readonly name = 'IncompleteSnapshotError';
}

interface Waiting {
  readonly raw: Buffer;
  readonly taken: () => void;
}

/** What has come and was not taken, in order. The sender's window bounds it. */
class Chunks {
  #waiting: Waiting[] = [];
  #over = false;
  #wake = (): void => {};

  push(raw: Buffer): Promise<void> {
    return new Promise((taken) => {
      this.#waiting.push({ raw, taken });
      this.#wake();
    });
  }

  end(): void {
    this.#over = true;
    this.#wake();
  }

  /** Undefined after the last one. */
  async next(): Promise<SnapshotChunk | undefined> {
    while (this.#waiting.length === 0 && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const first = this.#waiting.shift();
    first?.taken();
    return first === undefined ? undefined : decodeSnapshotChunk(first.raw);
  }
}

export function receiveSnapshot(call: StreamCall, handler: PeerHandler, log: Log): StreamHandler {
  const chunks = new Chunks();
  take(chunks, handler).then(
    () => {
      call.write(Buffer.alloc(0));
      call.end();
    },
    (error) => {
      log.warn({ err: error, peer: call.peer }, 'could not receive a snapshot');
      call.end(new StatusError(aborted, error instanceof Error ? error.message : String(error)));
    },
  );
  return { message: (raw) => chunks.push(raw), end: () => chunks.end(), closed: () => chunks.end() };
}

async function take(chunks: Chunks, handler: PeerHandler): Promise<void> {
  const first = await chunks.next();
  const message = first?.message;
  if (first === undefined || message?.type !== 'snapshotRequest') throw new IncompleteSnapshotError('no message at the start');
  await handler.snapshot(message, contentOf(first, chunks));
}

/** The content of all chunks; throws where the stream ends without its last one. */
async function* contentOf(first: SnapshotChunk, chunks: Chunks): AsyncIterable<Uint8Array> {
  let received = 0;
  let chunk = first;
  for (;;) {
    received += chunk.content.length;
    if (chunk.content.length > 0) yield chunk.content;
    if (chunk.last) break;
    const next = await chunks.next();
    if (next === undefined) throw new IncompleteSnapshotError(`the stream ended after ${received} bytes`);
    chunk = next;
  }
  if (received !== chunk.totalBytes) throw new IncompleteSnapshotError(`${received} bytes arrived, not ${chunk.totalBytes}`);
}
