// pods/log over WebSocket: what comes of the log is a message, as bytes or as text (wsstream.Reader).
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { apiError } from '@drydock/api/status.ts';
import type { WebSocket } from 'ws';
import type { LogSink } from '../http/logs.ts';
import { streamBufferMaxBytes } from '../limits.ts';
import { acceptor, closeWhenTold } from './web-socket.ts';

const binary = 'binary.k8s.io';
const base64 = 'base64.binary.k8s.io';
const accept = acceptor([binary, base64]);

/** Fails where the client offers protocols, and none of these. */
export function checkLogProtocols(offered: readonly string[]): void {
  if (offered.length > 0 && !offered.includes(binary) && !offered.includes(base64))
    throw apiError('Forbidden', 'none of the protocols that are offered is spoken here');
}

/** Takes the client over when the log begins. */
export function logSocket(req: IncomingMessage, socket: Duplex, head: Buffer, begun: () => void): LogSink {
  let client: WebSocket | undefined;
  let isText = false;
  return {
    begin: () => {
      accept(req, socket, head, (taken) => {
        client = taken;
        isText = taken.protocol === base64;
        taken.on('error', () => socket.destroy());
        // An empty message tells that the connection stands, before there is anything of the log.
        taken.send(isText ? '' : Buffer.alloc(0));
      });
      begun();
    },
    write: (bytes) =>
      new Promise((resolve) => {
        if (client === undefined) return resolve();
        socket.once('close', resolve);
        const taken = () => {
          socket.off('close', resolve);
          resolve();
        };
        client.send(isText ? bytes.toString('base64') : bytes, taken);
        if (client.bufferedAmount <= streamBufferMaxBytes) taken();
      }),
    end: () => (client === undefined ? undefined : closeWhenTold(client)),
    none: () => {},
  };
}
