// Adapter: tells the other member that its certificate is not let in. TLS has an alert for it, which Node cannot send: the check
// comes after the handshake here. So HTTP/2's GOAWAY carries the alert's name.
import type { TLSSocket } from 'node:tls';
import type { Clock } from '@drydock/foundation/clock.ts';
import { Http2Connection } from '../http2/connection.ts';
import { errorCodes } from '../http2/frames.ts';

const refusal = 'bad certificate';
/** For the other side to read it. */
const graceMs = 1000;

/** Ends the connection. `asClient`: this side has made it. */
export function refuseCertificate(socket: TLSSocket, clock: Clock, asClient = false): void {
  const connection = new Http2Connection(socket, { clock, onClose: () => {}, ...(asClient ? {} : { onStream: () => {} }) });
  connection.start(undefined);
  connection.refuse(errorCodes.security, refusal);
  const timer = clock.timer(graceMs, () => socket.destroy());
  socket.on('close', () => timer.cancel());
}

/** What a GOAWAY says about the certificate of this side, in the words of Go's crypto/tls; undefined where it is about something else. */
export function certificateRefusal(code: number, reason: string): string | undefined {
  return code === errorCodes.security ? `remote error: tls: ${reason}` : undefined;
}
