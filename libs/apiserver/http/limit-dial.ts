// How long a connection to another server may take to be there.
import type { ClientRequest } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { dialMs } from '../limits.ts';
import { addressText, type DialPlace } from './dial-text.ts';

/**
 * Gives the request up where its connection, with TLS where it has that, is not there in time. How long an answer takes on it is
 * for whoever asks to say, as in Go's client.
 */
export function limitDial(sent: ClientRequest, place: DialPlace, limitMs = dialMs): void {
  sent.setTimeout(limitMs, () => sent.destroy(new Error(`dial tcp ${addressText(place)}: i/o timeout`)));
  sent.once('socket', (socket) => {
    const isThere = () => socket.setTimeout(0);
    if (!socket.connecting) isThere();
    else socket.once((socket as Partial<TLSSocket>).encrypted === true ? 'secureConnect' : 'connect', isThere);
  });
}
