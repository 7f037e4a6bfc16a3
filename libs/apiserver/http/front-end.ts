// The REST front end: HTTP/1.1 and HTTP/2 over TLS into the chain of a request.
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { Duplex } from 'node:stream';
import { type ServingTimes, secureBounds, servingTimes } from '@drydock/foundation/serving/bounds.ts';
import { ConnectionGate, peerOf } from '@drydock/foundation/serving/connection-gate.ts';
import { guardServer } from '@drydock/foundation/serving/guard.ts';
import { type ChainParts, RequestChain } from './chain.ts';
import type { HttpRequest, HttpResponse } from './exchange.ts';

export interface FrontEndOptions extends Omit<ChainParts, 'onCaller'> {
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string | undefined };
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
    const { cert, key, clientCa } = options.tls;
    this.#gate = new ConnectionGate({
      now: () => options.clock.monotonicMs(),
      max: options.strangersMax,
      graceMs: times.graceMs,
    });
    this.#chain = new RequestChain({ ...options, onCaller: (req, known) => this.#caller(req, known) });
    this.#server = createSecureServer({
      ...secureBounds(times),
      allowHTTP1: true,
      cert,
      key,
      ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true }),
      rejectUnauthorized: false,
    });
    guardServer(this.#server, this.#gate, times.idleMs);
    this.#server.on('request', (req: HttpRequest, res: HttpResponse) => void this.#chain.serve(req, res, false));
    this.#server.on('checkContinue', (req: HttpRequest, res: HttpResponse) => void this.#chain.serve(req, res, true));
    const upgrades = (req: HttpRequest) => this.#chain.upgrades(req);
    (this.#server as unknown as { shouldUpgradeCallback: typeof upgrades }).shouldUpgradeCallback = upgrades;
    this.#server.on('upgrade', (req: HttpRequest, socket: Duplex, head: Buffer) => void this.#chain.upgrade(req, socket, head));
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
