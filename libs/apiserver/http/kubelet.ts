// Adapter: connections to the kubelets: our gRPC NodeAgent where a node says that it has one, the HTTPS API everywhere else.

import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { Node } from '@drydock/api/generated/types.ts';
import { apiError } from '@drydock/api/status.ts';
import { grpcTlsTarget } from '@drydock/foundation/grpc-tls-target.ts';
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { dialMs } from '../limits.ts';

export interface KubeletTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** The methods of NodeAgent that the apiserver calls; messages as proto-loader gives them. */
export interface NodeAgent {
  Logs(request: object): ClientReadableStream<{ readonly data: Buffer }>;
  Exec(): ClientDuplexStream<object, ExecOutput>;
  Attach(): ClientDuplexStream<object, ExecOutput>;
  close(): void;
}

export interface ExecOutput {
  readonly output?: 'stdout' | 'stderr' | 'exit';
  readonly stdout?: Buffer;
  readonly stderr?: Buffer;
  readonly exit?: Buffer;
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
    headers: Record<string, string | string[]>,
    onResponse: (response: IncomingMessage) => void,
  ): ClientRequest {
    return httpsRequest(
      { host: address.host, port: address.port, method, path, headers, ...this.#clientTls(), timeout: dialMs },
      onResponse,
    );
  }

  /** A bare TLS connection to the kubelet's HTTPS API, for upgrades. Given up when `signal` aborts. */
  connect(address: KubeletAddress, signal: AbortSignal): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = tlsConnect({ host: address.host, port: address.port, ...this.#clientTls() });
      const settle = (error: Error | undefined) => {
        signal.removeEventListener('abort', onAbort);
        socket.setTimeout(0);
        if (error === undefined) return resolve(socket);
        socket.destroy();
        reject(apiError('InternalError', `error dialing backend: ${error.message}`));
      };
      const onAbort = () => settle(signal.reason as Error);
      socket.once('secureConnect', () => settle(undefined));
      // Also after it stands: whoever takes the socket adds listeners of their own, and may be late.
      socket.on('error', (error) => settle(error));
      socket.setTimeout(dialMs, () => settle(new Error(`dial tcp ${address.host}:${address.port}: i/o timeout`)));
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
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
