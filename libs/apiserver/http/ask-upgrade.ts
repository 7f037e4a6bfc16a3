// A request for an upgrade on its way: what comes of it, whoever is asked.
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { DialPlace } from './dial-text.ts';
import { limitDial } from './limit-dial.ts';

export interface Upgraded {
  readonly type: 'upgraded';
  /** Of the answer, names and values in turn. */
  readonly headers: readonly string[];
  readonly socket: Duplex;
  /** What came after the headers. */
  readonly head: Buffer;
}

/** Another answer than the one that was hoped for; nothing of its body has been read. */
export interface Answered {
  readonly type: 'answered';
  readonly response: IncomingMessage;
}

/**
 * What `sent` leads to. Fails with what `failure` makes of the reason where nobody answers; given up when `signal` aborts. The socket
 * has its listener of errors.
 */
export function upgradeAnswer(
  sent: ClientRequest,
  where: DialPlace,
  signal: AbortSignal,
  failure: (message: string) => Error,
): Promise<Upgraded | Answered> {
  return new Promise((resolve, reject) => {
    const give = () => sent.destroy(signal.reason as Error);
    sent.on('response', (response) => resolve({ type: 'answered', response }));
    sent.on('upgrade', (response, socket, head) => {
      signal.removeEventListener('abort', give);
      // Whoever takes the socket adds listeners of their own, and may be late.
      socket.on('error', () => socket.destroy());
      resolve({ type: 'upgraded', headers: response.rawHeaders, socket, head });
    });
    limitDial(sent, where);
    sent.on('error', (error) => reject(failure(`error dialing backend: ${error.message}`)));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
}
