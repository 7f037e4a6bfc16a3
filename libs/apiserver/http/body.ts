// Reading a request's body: within its bound, and in memory of its own size however small the pieces are in which it comes.
import { apiError } from '@drydock/api/status.ts';
import { requestBodyMaxBytes } from '../limits.ts';
import { type HttpRequest, headerOf } from './exchange.ts';

const firstBytes = 4 * 1024;

/** Grows by doubling, and keeps nothing of the pieces: one of a byte may hold all of the buffer that it was cut from. */
class Gathered {
  #bytes = Buffer.alloc(0);
  size = 0;

  add(piece: Buffer): void {
    const needed = this.size + piece.length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2, firstBytes));
      this.#bytes.copy(grown, 0, 0, this.size);
      this.#bytes = grown;
    }
    piece.copy(this.#bytes, this.size);
    this.size = needed;
  }

  whole(): Buffer {
    return this.#bytes.subarray(0, this.size);
  }
}

function tooLarge(): Error {
  return apiError('RequestEntityTooLarge', `Request entity too large: limit is ${requestBodyMaxBytes}`);
}

/** The whole body. Fails with RequestEntityTooLarge beyond requestBodyMaxBytes, and with `signal.reason` when that aborts. */
export function readBody(req: HttpRequest, signal: AbortSignal): Promise<Buffer> {
  if (Number(headerOf(req, 'content-length')) > requestBodyMaxBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const body = new Gathered();
    const leave = (settle: () => void) => {
      req.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onData = (piece: Buffer) => {
      if (body.size + piece.length > requestBodyMaxBytes) {
        req.pause();
        leave(() => reject(tooLarge()));
      } else body.add(piece);
    };
    const onEnd = () => leave(() => resolve(body.whole()));
    const onError = (error: Error) => leave(() => reject(apiError('BadRequest', error.message)));
    const onClose = () => leave(() => reject(apiError('BadRequest', 'the request ended before its body did')));
    const onAbort = () => leave(() => reject(signal.reason as Error));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    req.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}
