// What one end of a connection is told, and tells.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Headers } from './hpack.ts';
import type { Http2Stream } from './stream.ts';

export interface Http2Options {
  readonly clock: Clock;
  /** A server's: a new stream with its headers; to set `stream.user`, unless it is answered at once. Without it this is a client. */
  readonly onStream?: (stream: Http2Stream, headers: Headers) => void;
  /** A server's: whether there is room for one more stream beside those of all other connections. */
  readonly mayOpen?: () => boolean;
  /** A server's: how many streams a client may have open. */
  readonly streamsMax?: number | undefined;
  /** A server's: whether clients that ping too often are cut off. */
  readonly limitPings?: boolean;
  /** The other side speaks HTTP/2: its first frame was read. */
  readonly onOpen?: () => void;
  /** The answer to `ping`. */
  readonly onPong?: () => void;
  /** The other side ends the connection and says why. */
  readonly onGoAway?: (code: number, reason: string) => void;
  /** A stream that `onStream` was told of is over. */
  readonly onStreamClosed?: () => void;
  readonly onClose: () => void;
}
