// Adapter: one HTTP/2 connection to an apiserver, opened when needed and replaced when it breaks. A silent connection is
// pinged while something waits on it, so that a server that vanished without a word is noticed.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { CallOptions } from './api-client.ts';
import { authorization } from './auth.ts';
import { bounded } from './bounded.ts';
import type { ClientPorts } from './connect.ts';
import { errorOfResponse, unavailable } from './errors.ts';
import type { ClientConfig } from './kubeconfig.ts';
import { connectTimeoutMs, responseBytesMax, restPingIntervalMs, restPingTimeoutMs } from './limits.ts';

export class Http2Connection {
  readonly #config: ClientConfig;
  readonly #ports: ClientPorts;
  readonly #url: URL;
  readonly #authorization: () => string | undefined;
  #session: Promise<ClientHttp2Session> | undefined;
  #open: ClientHttp2Session | undefined;
  #closed = false;

  constructor(config: ClientConfig, ports: ClientPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#url = new URL(config.server);
    this.#authorization = authorization(config, ports.clock);
  }

  /** The body of the answer. Throws ApiError; rejects with `signal.reason` when aborted. */
  request(
    method: string,
    path: string,
    contentType: string | undefined,
    body: string | undefined,
    options: CallOptions,
  ): Promise<string> {
    return bounded(this.#ports.clock, options, `${method} ${path}`, async (stop) => {
      const session = await this.#connected();
      stop.throwIfAborted();
      options.beforeSend?.();
      const stream = this.#send(session, method, path, contentType, body);
      const abort = (): void => {
        stream.close(constants.NGHTTP2_CANCEL);
        stream.destroy();
      };
      stop.addEventListener('abort', abort, { once: true });
      try {
        const status = await statusOf(stream);
        const text = await textOf(stream);
        if (status < 200 || status > 299) throw errorOfResponse(status, text);
        return text;
      } catch (error) {
        throw asUnavailable(error, `${method} ${path}`);
      } finally {
        stop.removeEventListener('abort', abort);
        stream.destroy();
      }
    });
  }

  /** The chunks of a body that goes on until the server, an abort (no error) or a failure ends it. */
  async *stream(path: string, signal: AbortSignal | undefined, onOpen?: () => void): AsyncIterable<string> {
    if (signal?.aborted) return;
    let stream: ClientHttp2Stream | undefined;
    const abort = () => {
      stream?.close(constants.NGHTTP2_CANCEL);
      stream?.destroy();
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      stream = this.#send(await this.#connected(), 'GET', path, undefined, undefined);
      if (signal?.aborted) return;
      const status = await statusOf(stream);
      if (status !== 200) throw errorOfResponse(status, await textOf(stream));
      onOpen?.();
      for await (const chunk of stream) yield chunk as string;
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) throw unavailable(`watch ${path}: the connection broke`);
    } catch (error) {
      if (signal?.aborted) return;
      throw asUnavailable(error, `watch ${path}`);
    } finally {
      signal?.removeEventListener('abort', abort);
      abort();
    }
  }

  close(): void {
    this.#closed = true;
    this.#open?.destroy();
  }

  #send(
    session: ClientHttp2Session,
    method: string,
    path: string,
    contentType: string | undefined,
    body: string | undefined,
  ): ClientHttp2Stream {
    const auth = this.#authorization();
    const stream = session.request(
      {
        ':method': method,
        ':path': this.#url.pathname.replace(/\/$/, '') + path,
        accept: 'application/json',
        'user-agent': this.#ports.userAgent ?? 'drydock',
        ...(auth === undefined ? {} : { authorization: auth }),
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
      },
      { endStream: body === undefined },
    );
    // Errors are seen by whoever reads the stream; one that comes before must not end the process.
    stream.on('error', () => {});
    stream.setEncoding('utf8');
    if (body !== undefined) stream.end(body);
    return stream;
  }

  #connected(): Promise<ClientHttp2Session> {
    if (this.#closed) return Promise.reject(unavailable('the client is closed'));
    this.#session ??= this.#connect().catch((error) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  #connect(): Promise<ClientHttp2Session> {
    const { ca, cert, key, insecureSkipTlsVerify, tlsServerName } = this.#config;
    return new Promise((resolve, reject) => {
      const session = connect(this.#url.origin, {
        ca,
        cert,
        key,
        rejectUnauthorized: insecureSkipTlsVerify !== true,
        ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
      });
      const late = this.#ports.clock.timer(connectTimeoutMs, () =>
        session.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)),
      );
      this.#open = session;
      const forget = () => {
        if (this.#open === session) {
          this.#open = undefined;
          this.#session = undefined;
        }
      };
      session.once('connect', () => {
        late.cancel();
        this.#ping(session);
        resolve(session);
      });
      session.once('error', (error) => {
        forget();
        reject(unavailable(`cannot connect to ${this.#url.host}: ${error.message}`, error));
      });
      session.once('goaway', forget);
      session.once('close', () => {
        late.cancel();
        forget();
        reject(unavailable(`connection to ${this.#url.host} closed`));
      });
    });
  }

  #ping(session: ClientHttp2Session): void {
    this.#ports.clock.timer(restPingIntervalMs, () => {
      if (session.destroyed || session.closed) return;
      const silent = this.#ports.clock.timer(restPingTimeoutMs, () => session.destroy(new Error('no answer to a ping')));
      session.ping(() => {
        silent.cancel();
        if (!session.destroyed) this.#ping(session);
      });
    });
  }
}

function statusOf(stream: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve(Number(headers[':status'])));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the connection broke')));
  });
}

async function textOf(stream: ClientHttp2Stream): Promise<string> {
  let length = 0;
  const chunks: string[] = [];
  for await (const chunk of stream) {
    length += (chunk as string).length;
    if (length > responseBytesMax) throw new Error('the answer is larger than the limit');
    chunks.push(chunk as string);
  }
  if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) throw new Error('the connection broke');
  return chunks.join('');
}

function asUnavailable(error: unknown, what: string): unknown {
  if (error instanceof Error && error.name === 'ApiError') return error;
  return unavailable(`${what}: ${error instanceof Error ? error.message : String(error)}`, error);
}
