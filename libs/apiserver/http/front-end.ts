// The REST front end: HTTP/1.1 and HTTP/2 over TLS into the chain of a request.
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import { type ServingTimes, secureBounds, servingTimes } from '@drydock/foundation/serving/bounds.ts';
import { ClientAuthorities } from '@drydock/foundation/serving/client-authorities.ts';
import { ConnectionGate, peerOf } from '@drydock/foundation/serving/connection-gate.ts';
import { guardServer } from '@drydock/foundation/serving/guard.ts';
import { withIdleTime } from '../streams/joined-sockets.ts';
import { type ChainParts, RequestChain } from './chain.ts';
import type { HttpRequest, HttpResponse } from './exchange.ts';

/** How connections are served, beyond what bounds them. */
export interface ServingOptions {
  /** --disable-http2-serving. */
  readonly http1Only: boolean;
  /** --http2-max-streams-per-connection; 0 for the default. */
  readonly maxStreams: number;
  /** --strict-transport-security-directives. */
  readonly hsts: readonly string[];
  /** Versions, suites and curves. */
  readonly tls: SecureContextOptions;
}

export interface FrontEndOptions extends Omit<ChainParts, 'onCaller' | 'authorities'> {
  readonly tls: {
    readonly cert: string;
    readonly key: string;
    readonly clientCa: string | undefined;
    /** Of the proxies that may speak for users. */
    readonly proxyCa?: string | undefined;
  };
  readonly serving?: ServingOptions | undefined;
  /** The times that a caller has; upstream's unless given. */
  readonly times?: ServingTimes | undefined;
  /** Connections at once of callers who have not said who they are. */
  readonly strangersMax?: number | undefined;
}

export class FrontEnd {
  readonly #options: FrontEndOptions;
  readonly #server: Http2SecureServer;
  readonly #gate: ConnectionGate;
  readonly #chain: RequestChain;
  readonly #sessions = new Set<{ close(): void; destroy(): void }>();

  constructor(options: FrontEndOptions) {
    this.#options = options;
    const times = options.times ?? servingTimes;
    const { cert, key, clientCa, proxyCa } = options.tls;
    const authorities = new ClientAuthorities({ client: clientCa, proxy: proxyCa });
    this.#gate = new ConnectionGate({
      now: () => options.clock.monotonicMs(),
      max: options.strangersMax,
      graceMs: times.graceMs,
    });
    this.#chain = new RequestChain({ ...options, authorities, onCaller: (req, known) => this.#caller(req, known) });
    const { http1Only = false, maxStreams = 0, tls = {} } = options.serving ?? {};
    const bounds = secureBounds(times);
    this.#server = createSecureServer({
      ...bounds,
      ...tls,
      ...(maxStreams === 0 ? {} : { settings: { ...bounds.settings, maxConcurrentStreams: maxStreams } }),
      ...(http1Only ? { ALPNProtocols: ['http/1.1'] } : {}),
      allowHTTP1: true,
      cert,
      key,
      ...authorities.tlsOptions,
    });
    guardServer(this.#server, this.#gate, times.idleMs);
    const serve = (waits: boolean) => (req: HttpRequest, res: HttpResponse) => {
      const hsts = options.serving?.hsts ?? [];
      if (hsts.length > 0) res.setHeader('strict-transport-security', hsts.join('; '));
      void this.#chain.serve(req, res, waits);
    };
    this.#server.on('request', serve(false));
    this.#server.on('checkContinue', serve(true));
    const upgrades = (req: HttpRequest) => this.#chain.upgrades(req);
    (this.#server as unknown as { shouldUpgradeCallback: typeof upgrades }).shouldUpgradeCallback = upgrades;
    this.#server.on(
      'upgrade',
      (req: HttpRequest, stream: Duplex, head: Buffer) => void this.#chain.upgrade(req, withIdleTime(stream, req.socket), head),
    );
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
    });
  }

  /**
   * A known caller's connection stays. A stranger's HTTP/2 connection ends with what is under way on it
   * (k8s.io/apiserver: UnauthenticatedHTTP2DOSMitigation).
   */
  #caller(req: HttpRequest, known: boolean): void {
    if (known) this.#gate.trust(peerOf(req.socket));
    else if ('stream' in req) req.stream.session?.close();
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#chain.endWatches();
    for (const session of this.#sessions) session.close();
    const grace = this.#options.clock.timer(2_000, () => {
      for (const session of this.#sessions) session.destroy();
      (this.#server as unknown as { closeAllConnections?: () => void }).closeAllConnections?.();
    });
    (this.#server as unknown as { closeIdleConnections?: () => void }).closeIdleConnections?.();
    const limit = this.#options.clock.sleep(3_000);
    await Promise.race([closed, limit]);
    grace.cancel();
  }
}
