// Streams that are over, as far back as it matters who ended them (RFC 9113, section 5.1): a frame that comes after the other side
// has ended its stream breaks the protocol, one that was on its way when this side did does not.
import { ConnectionError, errorCodes, StreamError } from './frames.ts';
import { endedKept } from './limits.ts';

export type Ended = 'byThem' | 'byUs';

export class EndedStreams {
  readonly #ended = new Map<number, Ended>();

  add(id: number, how: Ended): void {
    this.#ended.set(id, how);
    if (this.#ended.size <= endedKept) return;
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest);
      return;
    }
  }

  /** Data that may have been on its way. Throws ConnectionError and StreamError where it was not. */
  takeData(id: number): void {
    const ended = this.#ended.get(id);
    if (ended === 'byThem') throw new ConnectionError(errorCodes.streamClosed, 'data of a stream that was ended');
    if (ended === undefined) throw new StreamError(id, errorCodes.streamClosed, 'data of a stream that is over');
  }

  /** The same of headers; a stream that was passed over cannot be opened any more. */
  takeHeaders(id: number): void {
    const ended = this.#ended.get(id);
    if (ended === 'byUs') return;
    const code = ended === 'byThem' ? errorCodes.streamClosed : errorCodes.protocol;
    throw new ConnectionError(code, 'headers of a stream that is over');
  }
}
