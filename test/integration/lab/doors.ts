// Asks at a port with a certificate, and says how far one came: in the words of the table.
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { grpcTlsTarget } from '@drydock/foundation/grpc-tls-target.ts';
import type { CertifiedKey } from '@drydock/pki/certificate.ts';
import { credentials, type GrpcObject, loadPackageDefinition, type ServiceClientConstructor, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Access, AccessRow } from './access-table.ts';

export interface Question {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly pair: CertifiedKey | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };

/** By protocol: a request at each kind of port. A port that does not speak it is a failure of the caller. */
export const askBy: Readonly<
  Record<'HTTP' | 'gRPC', Readonly<Record<keyof AccessRow, (question: Question) => Promise<Access>>>>
> = {
  HTTP: {
    storeClient: (question) => ask(question, 'POST', '/v3/kv/range', { key: 'AA==' }),
    storePeer: (question) => ask(question, 'GET', '/members'),
    api: (question) => ask(question, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', review),
    apiGrpc: unasked,
    kubelet: (question) => ask(question, 'GET', '/pods'),
    agent: unasked,
    figures: (question) => ask(question, 'GET', '/metrics'),
  },
  gRPC: {
    storeClient: (question) =>
      call(question, 'etcd/etcdserverpb/rpc.proto', 'etcdserverpb.KV', 'Range', { key: Buffer.alloc(1) }),
    storePeer: unasked,
    api: unasked,
    apiGrpc: (question) =>
      call(question, 'drydock/apiserver/v1/api.proto', 'drydock.apiserver.v1.Api', 'Create', {
        target: { group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews' },
        object: Buffer.from(JSON.stringify(review)),
      }),
    kubelet: unasked,
    agent: (question) => call(question, 'drydock/kubelet/v1/node_agent.proto', 'drydock.kubelet.v1.NodeAgent', 'Stats', {}),
    figures: unasked,
  },
};

function unasked(): Promise<never> {
  throw new Error('nothing is asked here in this protocol');
}

/** An alert of TLS, or the end of the connection before an answer. */
const refusals = new Set(['ECONNRESET', 'EPIPE', 'EPROTO']);

/** The status of one request over HTTP/1.1; of an answer that names a user, the name. */
export function ask({ address, pair, headers }: Question, method: string, path: string, body?: object): Promise<Access> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `https://${address}${path}`,
      {
        method,
        agent: false,
        rejectUnauthorized: false,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(pair === undefined ? {} : { cert: pair.certificatePem, key: pair.keyPem }),
      },
      (response) => {
        text(response).then((answer) => resolve(userOf(answer) ?? response.statusCode ?? 0), reject);
      },
    );
    sent.on('error', (error: NodeJS.ErrnoException) =>
      refusals.has(error.code ?? '') || error.code?.startsWith('ERR_SSL_') ? resolve('refused') : reject(error),
    );
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function userOf(answer: string): string | undefined {
  return /"username":\s*"([^"]+)"/.exec(answer)?.[1];
}

const httpStatus = new Map([
  [status.OK, 200],
  [status.UNAUTHENTICATED, 401],
  [status.PERMISSION_DENIED, 403],
]);
const protoFolder = fileURLToPath(new URL('../../../proto', import.meta.url));

const definitions = new Map<string, GrpcObject>();

async function call(
  { address, pair }: Question,
  file: string,
  service: string,
  method: string,
  message: object,
): Promise<Access> {
  const definition = definitions.get(file) ?? loadPackageDefinition(loadSync(file, { includeDirs: [protoFolder] }));
  definitions.set(file, definition);
  const Client = service.split('.').reduce<GrpcObject>((at, name) => at[name] as GrpcObject, definition);
  const own = pair === undefined ? [] : [Buffer.from(pair.keyPem), Buffer.from(pair.certificatePem)];
  const { channelOptions } = grpcTlsTarget(address.split(':')[0] ?? '');
  const secure = credentials.createSsl(null, own[0] ?? null, own[1] ?? null, { rejectUnauthorized: false });
  const client = new (Client as unknown as ServiceClientConstructor)(address, secure, channelOptions);
  try {
    return await new Promise((resolve, reject) => {
      client[method]?.(message, (error: { code: number; details: string } | null, answer?: { object?: Buffer }) => {
        const code = error?.code ?? status.OK;
        if (code === status.UNAVAILABLE) return resolve('refused');
        const http = httpStatus.get(code);
        if (http === undefined) return reject(error);
        resolve((http === 200 && userOf(answer?.object?.toString() ?? '')) || http);
      });
    });
  } finally {
    client.close();
  }
}
