// What the peer port answers to plain HTTP, as etcd's (server/etcdserver/api/etcdhttp/peer.go): who belongs to the cluster, versions,
// the hash of the history. Members of this project ask each other over gRPC; this is for people and for tools.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@drydock/foundation/clock.ts';
import { EtcdError } from '../errors.ts';
import { hashByRevision } from './hashes.ts';
import { versionsText } from './http.ts';
import { hexId } from './members.ts';
import { answer, checkMethod, plainText, refuse } from './plain-answer.ts';
import type { EtcdServer } from './server.ts';

const [badRequest, notFound, preconditionFailed] = [400, 404, 412];
/** `{"revision":9007199254740991}` and some room. */
const questionBytesMax = 1024;

export function peerHttpHandler(server: EtcdServer): (request: IncomingMessage, response: ServerResponse) => void {
  const { clock, clusterId } = server.options;
  const cluster = hexId(clusterId);
  const json = { 'content-type': 'application/json', 'x-etcd-cluster-id': cluster };
  const paths: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void | Promise<void>>> = {
    '/members': (_request, response) => answer(response, 200, `${membersText(server)}\n`, json),
    '/members/hashkv': async (request, response) => {
      const asked = request.headers['x-etcd-cluster-id'];
      if (asked !== undefined && asked !== cluster) refuse(response, preconditionFailed, 'cluster ID mismatch');
      else await answerHash(server, clock, request, response, json);
    },
    '/version': (_request, response) => answer(response, 200, versionsText(), { 'content-type': 'application/json' }),
    '/downgrade/enabled': (_request, response) =>
      answer(response, 200, String(server.machine.downgrade.info.enabled), { ...json, 'content-type': 'text/plain' }),
    '/raft/probing': (_request, response) =>
      answer(response, 200, `{"OK":true,"Now":"${new Date(clock.wallMs()).toISOString()}"}\n`, plainText),
  };
  return (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const serve = paths[pathname];
    if (serve === undefined) refuse(response, notFound, '404 page not found');
    else if (checkMethod(request, response, 'GET')) {
      Promise.resolve(serve(request, response)).catch(() => response.destroy());
    }
  };
}

/** Ids are numbers here, larger than JSON.stringify writes them exactly. */
function membersText(server: EtcdServer): string {
  const rows = server.machine.members.list().map(({ ID, peerURLs, isLearner, name, clientURLs }) => {
    const rest = {
      peerURLs,
      ...(isLearner ? { isLearner } : {}),
      ...(name === '' ? {} : { name }),
      ...(clientURLs.length === 0 ? {} : { clientURLs }),
    };
    return `{"id":${ID},${JSON.stringify(rest).slice(1)}`;
  });
  return `[${rows.join()}]`;
}

async function answerHash(
  server: EtcdServer,
  clock: Clock,
  request: IncomingMessage,
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const revision = await revisionOf(request);
  if (revision === undefined) {
    refuse(response, badRequest, 'error unmarshalling request');
    return;
  }
  try {
    const { hash, compactRevision, current } = await hashByRevision(server.machine, clock, revision);
    const text = JSON.stringify({ header: { revision: current }, hash, compact_revision: compactRevision });
    answer(response, 200, text, headers);
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    refuse(response, badRequest, error.message.replace(/^etcdserver: /, ''));
  }
}

/** The revision that is asked for, 0 where none is; undefined where the question cannot be read. */
async function revisionOf(request: IncomingMessage): Promise<number | undefined> {
  let text = '';
  for await (const piece of request) {
    text += String(piece);
    if (text.length > questionBytesMax) return undefined;
  }
  try {
    const question = JSON.parse(text) as { revision?: unknown } | null;
    if (question === null) return 0;
    if (typeof question !== 'object' || Array.isArray(question)) return undefined;
    const { revision = 0 } = question;
    return typeof revision === 'number' && Number.isSafeInteger(revision) ? revision : undefined;
  } catch {
    return undefined;
  }
}
