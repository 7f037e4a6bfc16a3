// Adapter: tells the other member that its certificate is not let in. TLS has an alert for it, which Node cannot send: the check
// comes after the handshake here. So HTTP/2's GOAWAY carries the alert's name.
import type { TLSSocket } from 'node:tls';
import type { Clock } from '@drydock/foundation/clock.ts';
import { Http2Connection } from '../http2/connection.ts';
import { errorCodes } from '../http2/frames.ts';

const refusal = 'bad certificate';
/** For the other side to read it. */
const graceMs = 1000;

export interface RefusingSide {
  /** Whether this side has made the connection. */
  readonly asClient: boolean;
  /** The other side has refused, too. */
  readonly told: (refusal: string) => void;
}

/** Ends the connection. */
export function refuseCertificate(socket: TLSSocket, clock: Clock, { asClient, told }: RefusingSide): void {
  const connection = new Http2Connection(socket, {
    clock,
    ...(asClient ? {} : { onStream: () => {} }),
    onGoAway: (code, reason) => {
      const theirs = certificateRefusal(code, reason);
      if (theirs !== undefined) told(theirs);
    },
    onClose: () => {},
  });
  connection.start(undefined);
  connection.refuse(errorCodes.security, refusal);
  const timer = clock.timer(graceMs, () => socket.destroy());
  socket.on('close', () => timer.cancel());
}

/** What a GOAWAY says about the certificate of this side, in the words of Go's crypto/tls; undefined where it is about something else. */
export function certificateRefusal(code: number, reason: string): string | undefined {
  return code === errorCodes.security ? `remote error: tls: ${reason}` : undefined;
}
