// A member's stream of messages to another one, on a connection of its own: gRPC's wire, without what a general client costs for
// each message.
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import { Http2Connection } from '../http2/connection.ts';
import { encodeHeaders, type Headers } from '../http2/hpack.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { grpcCodes } from '../rpc/service.ts';
import { addressOf, type ListenUrl, netTarget } from '../server/urls.ts';
import { refusalByName } from '../tls/certificate-check.ts';
import { certificateRefusal, refuseCertificate } from '../tls/refuse.ts';
import { clientKeyPairOf, noRules, type TlsSettings } from '../tls/settings.ts';
import { type CallIdentity, identityHeaders, keepaliveMs, messagesPath } from './service.ts';

/** Bytes that wait for the other side, beyond which a sender should wait. */
const waitingBytesMax = 256 << 10;

/** A connection is dead when so many pings have no answer: about the 5 s for which etcd waits for a byte. */
const unansweredMax = 2;

export interface MessagesPorts {
  readonly clock: Clock;
  readonly tls: TlsSettings | undefined;
  /** The other machine has taken the connection on; the member there may be busy. */
  readonly opened: () => void;
  /** The other side has taken the stream on. */
  readonly connected: () => void;
  /** There is room again. */
  readonly drained: () => void;
  /** Once: the stream is over. `code` is the gRPC status, where the other side gave one. */
  readonly lost: (reason: string, code: number | undefined) => void;
}

export class MessagesStream {
  readonly #ports: MessagesPorts;
  readonly #socket: Socket;
  #connection: Http2Connection | undefined;
  #stream: Http2Stream | undefined;
  #keepalive: Timer | undefined;
  /** Pings since the last answer to one. */
  #unanswered = 0;
  #over = false;
  #refusal: string | undefined;

  constructor(url: ListenUrl, identity: CallIdentity, ports: MessagesPorts) {
    this.#ports = ports;
    this.#socket = connectTo(url, ports.tls, () => this.#begin(url, identity));
    this.#socket.once('connect', () => {
      if (!this.#over) ports.opened();
    });
    this.#socket.on('error', (error) => this.#end(error.message, undefined));
    this.#socket.on('close', () => this.#end('the connection is closed', undefined));
  }

  /** Whether more should wait for `drained`. */
  get blocked(): boolean {
    return (this.#stream?.queuedBytes ?? 0) > waitingBytesMax;
  }

  write(message: Buffer): void {
    if (this.#stream !== undefined) this.#connection?.message(this.#stream, message);
  }

  /** Without `lost`. */
  close(): void {
    this.#over = true;
    this.#keepalive?.cancel();
    this.#socket.destroy();
  }

  #begin(url: ListenUrl, identity: CallIdentity): void {
    const { clock, connected, drained } = this.#ports;
    this.#socket.setNoDelay(true);
    if (this.#refuses()) return;
    const connection = new Http2Connection(this.#socket, {
      clock,
      onPong: () => {
        this.#unanswered = 0;
      },
      onGoAway: (code, reason) => {
        const refusal = certificateRefusal(code, reason);
        if (refusal !== undefined) this.#end(refusal, undefined);
      },
      onClose: () => this.#end('the connection is closed', undefined),
    });
    connection.start(undefined);
    const block = encodeHeaders([
      [':method', 'POST'],
      [':scheme', url.secure ? 'https' : 'http'],
      [':path', messagesPath],
      [':authority', url.path === undefined ? addressOf(url) : 'localhost'],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ...identityHeaders(identity),
    ]);
    this.#connection = connection;
    this.#stream = connection.request(block, {
      headers: (headers) => this.#answered(headers),
      received: () => {
        if (this.#keepalive === undefined) this.#keepAlive(connection);
        connected();
      },
      ended: () => this.#end('the stream ended', undefined),
      reset: () => this.#end('the stream was reset', undefined),
      drained,
    });
  }

  /** After a pause of this process itself what has come meanwhile is read before the next ping. */
  #keepAlive(connection: Http2Connection): void {
    if (this.#unanswered >= unansweredMax) this.#end('no answer to a ping', undefined);
    if (this.#over) return;
    this.#unanswered++;
    connection.ping();
    this.#keepalive = this.#ports.clock.timer(keepaliveMs, () => this.#keepAlive(connection));
  }

  /** Whether the other side's certificate is valid, but not one that this member takes. */
  #refuses(): boolean {
    const socket = this.#socket;
    if (!(socket instanceof TLSSocket)) return false;
    const certificate = socket.getPeerX509Certificate();
    const refusal = certificate && refusalByName(certificate, this.#ports.tls?.rules ?? noRules);
    if (refusal === undefined) return false;
    this.#refusal = refusal;
    refuseCertificate(socket, this.#ports.clock, { asClient: true, told: () => {} });
    return true;
  }

  #answered(headers: Headers): void {
    const code = headers.get('grpc-status');
    if (code === undefined) return;
    const details = decodeURIComponent(headers.get('grpc-message') ?? '');
    this.#end(Number(code) === grpcCodes.ok ? 'the stream ended' : details, Number(code));
  }

  #end(reason: string, code: number | undefined): void {
    if (this.#over) return;
    this.close();
    this.#ports.lost(this.#refusal ?? reason, code);
  }
}

function connectTo(url: ListenUrl, tls: TlsSettings | undefined, ready: () => void): Socket {
  const { host, secure, path } = url;
  if (!secure) return connectTcp(netTarget(url), ready);
  const { cert, key } = tls === undefined ? {} : clientKeyPairOf(tls);
  const { ca, ciphers, minVersion, maxVersion } = tls ?? {};
  const files = { ...(cert && { cert }), ...(key && { key }), ...(ca && { ca }) };
  const limits = { ...(ciphers && { ciphers }), ...(minVersion && { minVersion }), ...(maxVersion && { maxVersion }) };
  // There is no server name for an address (RFC 6066); the certificate is checked against the address itself.
  const name = path !== undefined || isIP(host) !== 0 ? {} : { servername: host };
  const trust = { rejectUnauthorized: tls?.selfSigned !== true };
  return connectTls({ ...netTarget(url), ALPNProtocols: ['h2'], ...files, ...limits, ...name, ...trust }, ready);
}
