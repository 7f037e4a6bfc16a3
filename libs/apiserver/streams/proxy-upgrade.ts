// Upgrades through the proxy subresources of pods, services and nodes: whatever protocol it is, the request goes to what is proxied
// and its answer to the client (k8s.io/apimachinery/pkg/util/proxy: UpgradeAwareHandler). As there, the query is not passed on: who
// may read through a node's proxy cannot say in one what a kubelet is to run.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { ApiError } from '@drydock/api/status.ts';
import type { Upgrade } from '../http/connect.ts';
import { type ForwardTarget, forwardedFor } from '../http/forward.ts';
import { dialMs, streamLingerMs } from '../limits.ts';
import { endWhenIdle } from './joined-sockets.ts';
import { headText, passOn, repeated } from './pass-on.ts';

/** Resolves when the answer has been given to the client: the connection, or what was said against it. Fails with InternalError. */
export async function proxyUpgrade(req: IncomingMessage, target: ForwardTarget, upgrade: Upgrade): Promise<void> {
  const { socket, head, signal } = upgrade;
  const answer = await ask(req, target, signal);
  if (answer.type === 'upgraded') return passOn(socket, head, answer);
  const { response } = answer;
  const { statusCode = 0 } = response;
  if (statusCode < 400) {
    response.destroy();
    throw failure(`invalid upgrade response: status code ${statusCode}`);
  }
  await giveRefusal(socket, response);
}

type Answer =
  | { readonly type: 'upgraded'; readonly headers: readonly string[]; readonly socket: Duplex; readonly head: Buffer }
  | { readonly type: 'refused'; readonly response: IncomingMessage };

/** The original gives these no reason. */
function failure(message: string): ApiError {
  return new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}

/**
 * On a connection of its own that is no other request's, before or after: what is sent on it is the caller's, and where the other
 * side takes a request to end may be the caller's choice. Given up when `signal` aborts.
 */
function ask(req: IncomingMessage, target: ForwardTarget, signal: AbortSignal): Promise<Answer> {
  const { scheme, host, port } = target;
  const make = scheme === 'https' ? httpsRequest : httpRequest;
  const tls = scheme === 'https' ? (target.tls ?? { rejectUnauthorized: false }) : {};
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const { method, headers } = repeated(req, target.path, req.headers.host ?? host);
    const options = { host, port, method, path: target.path, headers: outgoing(req, headers), agent: false, timeout: dialMs };
    const sent: ClientRequest = make({ ...options, ...tls }, (response) => {
      sent.setTimeout(0);
      resolve({ type: 'refused', response });
    });
    const give = () => sent.destroy(signal.reason as Error);
    sent.on('upgrade', (response, socket, head) => {
      signal.removeEventListener('abort', give);
      socket.setTimeout(0);
      // Whoever takes the socket adds listeners of their own, and may be late.
      socket.on('error', () => socket.destroy());
      resolve({ type: 'upgraded', headers: response.rawHeaders, socket, head });
    });
    sent.on('timeout', () => sent.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
    sent.on('error', (error) => reject(failure(`error dialing backend: ${error.message}`)));
    signal.addEventListener('abort', give, { once: true });
    // Its body, where it has one; what follows that is the upgraded protocol's.
    req.pipe(sent);
  });
}

/** Those that say something of another connection, or of a body in a way that this one does not. */
const dropped: ReadonlySet<string> = new Set(['expect', 'trailer', 'te', 'keep-alive', 'proxy-connection', 'x-forwarded-for']);

function outgoing(req: IncomingMessage, headers: readonly string[]): string[] {
  const kept = headers.filter((_, index) => !dropped.has(headers[index - (index % 2)]?.toLowerCase() ?? ''));
  const from = forwardedFor(req);
  const bodied = req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined;
  const length = bodied || req.method === 'GET' || req.method === 'HEAD' ? [] : ['Content-Length', '0'];
  return [...kept, ...(from === '' ? [] : ['X-Forwarded-For', from]), ...length];
}

/** Headers of a refusal that are about the connection on which it came. */
const ofConnection: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** The whole refusal, and the end of the client's connection; resolves when that is gone. Who does not read it is not waited for. */
function giveRefusal(socket: Duplex, response: IncomingMessage): Promise<void> {
  const { rawHeaders, statusCode = 0, statusMessage } = response;
  const kept = rawHeaders.filter((_, index) => !ofConnection.has(rawHeaders[index - (index % 2)]?.toLowerCase() ?? ''));
  return new Promise((resolve) => {
    const end = () => {
      response.destroy();
      resolve();
    };
    if (socket.destroyed) return end();
    socket.once('close', end);
    endWhenIdle(socket, streamLingerMs);
    socket.write(headText(statusCode, [...kept, 'connection', 'close'], statusMessage));
    response.on('error', () => socket.destroy());
    response.pipe(socket);
    socket.once('finish', () => socket.destroy());
  });
}
