// Upgrades through the proxy subresources of pods, services and nodes: whatever protocol it is, the request goes to what is proxied
// and its answer to the client (k8s.io/apimachinery/pkg/util/proxy: UpgradeAwareHandler). As there, the query is not passed on, but to servers behind
// this one (aggregated/): who may read through a node's proxy cannot say in one what a kubelet is to run.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { ApiError } from '@drydock/api/status.ts';
import { type Answered, type Upgraded, upgradeAnswer } from '../http/ask-upgrade.ts';
import type { Upgrade } from '../http/connect.ts';
import { addressText } from '../http/dial-text.ts';
import { type ForwardTarget, forwardedFor } from '../http/forward.ts';
import { withoutHeaders } from '../http/raw-headers.ts';
import { streamLingerMs } from '../limits.ts';
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

/** The original gives these no reason. */
function failure(message: string): ApiError {
  return new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}

/**
 * On a connection of its own that is no other request's, before or after: what is sent on it is the caller's, and where the other
 * side takes a request to end may be the caller's choice. Given up when `signal` aborts.
 */
function ask(req: IncomingMessage, target: ForwardTarget, signal: AbortSignal): Promise<Upgraded | Answered> {
  signal.throwIfAborted();
  const { scheme, host, port } = target;
  const make = scheme === 'https' ? httpsRequest : httpRequest;
  const tls = scheme === 'https' ? (target.tls ?? { rejectUnauthorized: false }) : {};
  const { onBehalf } = target;
  const asked = onBehalf === undefined ? (req.headers.host ?? host) : addressText(target);
  const { method, headers } = repeated(req, target.path, asked);
  const sentHeaders = withCaller(outgoing(req, headers), onBehalf);
  const options = { host, port, method, path: target.path, headers: sentHeaders, agent: false };
  const sent = make({ ...options, ...tls });
  // Its body, where it has one; what follows that is the upgraded protocol's.
  req.pipe(sent);
  return upgradeAnswer(sent, target, signal, failure);
}

/** Those that say something of another connection, or of a body in a way that this one does not. */
const dropped: ReadonlySet<string> = new Set(['expect', 'trailer', 'te', 'keep-alive', 'proxy-connection', 'x-forwarded-for']);

function outgoing(req: IncomingMessage, headers: readonly string[]): string[] {
  const kept = withoutHeaders(headers, dropped);
  const from = forwardedFor(req);
  const bodied = req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined;
  const length = bodied || req.method === 'GET' || req.method === 'HEAD' ? [] : ['Content-Length', '0'];
  return [...kept, ...(from === '' ? [] : ['X-Forwarded-For', from]), ...length];
}

function withCaller(headers: readonly string[], onBehalf: ForwardTarget['onBehalf']): string[] {
  if (onBehalf === undefined) return [...headers];
  const kept = withoutHeaders(headers, { has: onBehalf.isOwn });
  const own = Object.entries(onBehalf.headers).flatMap(([name, values]) => values.flatMap((value) => [name, value]));
  return [...kept, ...own];
}

/** Headers of a refusal that are about the connection on which it came. */
const ofConnection: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** The whole refusal, and the end of the client's connection; resolves when that is gone. Who does not read it is not waited for. */
function giveRefusal(socket: Duplex, response: IncomingMessage): Promise<void> {
  const { rawHeaders, statusCode = 0, statusMessage } = response;
  const kept = withoutHeaders(rawHeaders, ofConnection);
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
