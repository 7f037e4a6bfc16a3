// Adapter: connections to the kubelets: our gRPC NodeAgent where a node says that it has one, the HTTPS API everywhere else.

import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { fileURLToPath } from 'node:url';
import type { Node } from '@drydock/api/generated/types.ts';
import { apiError } from '@drydock/api/status.ts';
import { grpcTlsTarget } from '@drydock/foundation/grpc-tls-target.ts';
import {
  type ClientReadableStream,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { refusalMaxBytes } from '../limits.ts';
import { type Upgraded, upgradeAnswer } from './ask-upgrade.ts';
import { withoutHeaders } from './raw-headers.ts';

export interface KubeletTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** The methods of NodeAgent that the apiserver calls; messages as proto-loader gives them. */
export interface NodeAgent {
  Logs(request: object): ClientReadableStream<{ readonly data: Buffer }>;
  close(): void;
}

/** A request for an upgrade; `headers` are names and values in turn, those about a body aside: it has none. */
export interface UpgradeAsk {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
}

export interface Refused {
  readonly type: 'refused';
  readonly code: number;
  readonly headers: readonly string[];
  /** At most refusalMaxBytes. */
  readonly body: Buffer;
}

/** The annotation that says where a node's agent listens. */
const agentAnnotation = 'drydock.dev/node-agent-port';
const defaultPort = 10250;

/** A node as a place to connect to. */
export interface KubeletAddress {
  readonly host: string;
  readonly port: number;
  readonly agentPort: number | undefined;
}

export class Kubelets {
  readonly #tls: KubeletTls;
  readonly #addressTypes: readonly string[];
  readonly #agents = new Map<string, NodeAgent>();
  #agentClass: ServiceClientConstructor | undefined;

  constructor(tls: KubeletTls, addressTypes: readonly string[]) {
    this.#tls = tls;
    this.#addressTypes = addressTypes;
  }

  /** Where the kubelet of `node` is, by the preferred address types. */
  addressOf(node: Node): KubeletAddress {
    const name = node.metadata?.name ?? '';
    const addresses = node.status?.addresses ?? [];
    const host = this.#addressTypes
      .map((type) => addresses.find((address) => address.type === type)?.address)
      .find((each) => each !== undefined);
    if (host === undefined) {
      throw apiError(
        'InternalError',
        `Internal error occurred: no preferred addresses found; known addresses: [${addresses.map((a) => `{${a.type} ${a.address}}`).join(' ')}] (node ${name})`,
      );
    }
    const endpoint = node.status?.daemonEndpoints?.kubeletEndpoint as { Port?: number } | undefined;
    const agent = Number(node.metadata?.annotations?.[agentAnnotation] ?? 0);
    return { host, port: endpoint?.Port || defaultPort, agentPort: agent > 0 ? agent : undefined };
  }

  /** The agent at `address`; connections are kept. */
  agent(address: KubeletAddress): NodeAgent {
    const target = `${address.host}:${address.agentPort}`;
    let agent = this.#agents.get(target);
    if (agent === undefined) {
      const { ca, cert, key } = this.#tls;
      const buffer = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
      const { channelOptions, verifyOptions } = grpcTlsTarget(address.host);
      const channel = credentials.createSsl(buffer(ca), buffer(key), buffer(cert), verifyOptions);
      const options = { 'grpc.keepalive_time_ms': 30_000, ...channelOptions };
      agent = new (this.#service())(target, channel, options) as unknown as NodeAgent;
      this.#agents.set(target, agent);
    }
    return agent;
  }

  /** A request to the kubelet's HTTPS API. */
  request(
    address: KubeletAddress,
    method: string,
    path: string,
    headers: OutgoingHttpHeaders | readonly string[],
    onResponse: ((response: IncomingMessage) => void) | undefined,
    options: { readonly agent?: false } = {},
  ): ClientRequest {
    const { host, port } = address;
    return httpsRequest({ host, port, method, path, headers, ...this.#clientTls(), ...options }, onResponse);
  }

  /**
   * Asks the kubelet's HTTPS API for an upgrade. Fails with what it answers instead, or, where nobody does, with InternalError.
   * Given up when `signal` aborts. The socket has its listener of errors. The connection is never another request's: most of what is
   * sent on it is the caller's, and what a kubelet takes for its end may be the caller's choice.
   */
  async upgrade(address: KubeletAddress, ask: UpgradeAsk, signal: AbortSignal): Promise<Upgraded | Refused> {
    const sent = this.request(address, ask.method, ask.path, withoutBody(ask), undefined, { agent: false });
    sent.end();
    const answer = await upgradeAnswer(sent, address, signal, (message) => apiError('InternalError', message));
    if (answer.type === 'upgraded') return answer;
    const { statusCode = 0, rawHeaders } = answer.response;
    return { type: 'refused', code: statusCode, headers: rawHeaders, body: await collect(answer.response) };
  }

  /**
   * A SPDY connection for exec or attach. Fails with what the kubelet says against it, or, where it does not say it as a Status,
   * with InternalError (k8s.io/apimachinery/pkg/util/httpstream/spdy: NewConnection).
   */
  async command(address: KubeletAddress, path: string, signal: AbortSignal): Promise<Upgraded> {
    const headers = ['host', `${address.host}:${address.port}`, 'Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1'];
    headers.push('X-Stream-Protocol-Version', 'v4.channel.k8s.io');
    const answer = await this.upgrade(address, { method: 'POST', path, headers }, signal);
    if (answer.type === 'upgraded') return answer;
    throw apiError('InternalError', `Internal error occurred: unable to upgrade connection: ${answer.body.toString()}`);
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.close();
  }

  #clientTls() {
    const { ca, cert, key } = this.#tls;
    return {
      ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    };
  }

  #service(): ServiceClientConstructor {
    if (this.#agentClass !== undefined) return this.#agentClass;
    const path = fileURLToPath(new URL('../../../proto/drydock/kubelet/v1/node_agent.proto', import.meta.url));
    const definition = loadSync(path, { keepCase: true, longs: String, defaults: false, oneofs: true });
    const loaded = loadPackageDefinition(definition) as unknown as { drydock: { kubelet: { v1: GrpcObject } } };
    this.#agentClass = loaded.drydock.kubelet.v1.NodeAgent as ServiceClientConstructor;
    return this.#agentClass;
  }
}

const bodyHeaders: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'expect', 'trailer']);

/** The headers of a request that has no body, whatever they said of one. */
function withoutBody({ method, headers }: UpgradeAsk): string[] {
  const kept = withoutHeaders(headers, bodyHeaders);
  return method === 'GET' ? kept : [...kept, 'Content-Length', '0'];
}

/** The body of a refusal, as far as anybody wants to read it. */
export async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, refusalMaxBytes - bytes));
    bytes += chunk.length;
    if (bytes >= refusalMaxBytes) break;
  }
  return Buffer.concat(chunks);
}
