// Watches the connections of a server from their first moment: too many strangers, errors before anybody listens for them,
// HTTP/2 connections that stand still.
import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { closeWhenIdle, servingTimes } from './bounds.ts';
import { type ConnectionGate, peerOf } from './connection-gate.ts';

/** An error of a connection is the caller's affair: the connection is gone, and its handlers see its 'close'. */
const ignore = (): void => {};

/** Puts `server` (net, tls, http, https or http2) behind `gate`. A verified client certificate makes its connection a known one. */
export function guardServer(server: Server, gate: ConnectionGate, idleAfterMs: number = servingTimes.idleMs): void {
  server.on('connection', (socket: Socket) => {
    socket.on('error', ignore);
    gate.admit(socket);
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', ignore);
    gate.replace(socket);
    if (socket.authorized) gate.trust(peerOf(socket));
  });
  server.on('tlsClientError', ignore);
  server.on('sessionError', ignore);
  server.on('session', (session: ServerHttp2Session) => {
    const peer = peerOf(session.socket);
    session.on('error', () => session.destroy());
    closeWhenIdle(session, () => gate.isStranger(peer), idleAfterMs);
  });
}
