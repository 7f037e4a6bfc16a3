// Routes streaming subresources to their nodes, pods and services.
import type { IncomingMessage } from 'node:http';
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { type KubeObject, nodes, pods, type Resource } from '@drydock/api/resource.ts';
import { findResource } from '@drydock/api/scheme.ts';
import { apiError } from '@drydock/api/status.ts';
import type { Admission } from '../admission/admission.ts';
import type { Caches } from '../registry/caches.ts';
import { methodNotAllowed, notFound, notServed } from '../registry/errors.ts';
import type { User } from '../request.ts';
import { objectKey } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Connector, Upgrade } from './connect.ts';
import { type Exchange, headerOf } from './exchange.ts';
import { serveExec, speaksChannels } from './exec.ts';
import { type ForwardTarget, forward, tunnel } from './forward.ts';
import type { KubeletAddress, Kubelets } from './kubelet.ts';
import { serveLogs } from './logs.ts';
import { flag } from './options.ts';
import { containerOf } from './pod-target.ts';
import { type ProxyParts, proxyTarget } from './proxy-target.ts';
import type { PathInfo } from './request-info.ts';

export interface ConnectorParts {
  readonly objects: ObjectStore;
  readonly caches: Caches;
  readonly kubelets: Kubelets;
  readonly admission: Admission;
  readonly kubeletTls: object;
  /** One of several endpoints of a service. */
  readonly pick: (count: number) => number;
}

export class StreamConnector implements Connector {
  readonly #parts: ConnectorParts;

  constructor(parts: ConnectorParts) {
    this.#parts = parts;
  }

  async serve(exchange: Exchange, info: PathInfo, user: User, signal: AbortSignal): Promise<void> {
    const { resource, subresource } = info.target;
    await this.#admit(info, user);
    if (resource === 'pods' && subresource === 'log') {
      if (exchange.method !== 'GET') throw methodNotAllowed();
      const pod = await this.#pod(info);
      return serveLogs(exchange, pod, await this.#kubeletOf(pod), this.#parts.kubelets, signal);
    }
    if (subresource === 'proxy') return forward(exchange, await this.#proxyTarget(exchange, info), signal);
    if (resource === 'pods') {
      await this.#pod(info);
      throw apiError('BadRequest', 'Upgrade request required');
    }
    throw notServed();
  }

  async upgrade(exchange: Exchange, info: PathInfo, user: User, { socket, head, signal }: Upgrade): Promise<void> {
    const req = exchange.req as IncomingMessage;
    const { resource, subresource } = info.target;
    await this.#admit(info, user);
    if (resource !== 'pods' || !['exec', 'attach', 'portforward'].includes(subresource)) throw notServed();
    const pod = await this.#pod(info);
    const { namespace = '', name = '' } = pod.metadata ?? {};
    const phase = pod.status?.phase;
    if (phase === 'Succeeded' || phase === 'Failed') {
      const what = subresource === 'exec' ? 'exec into' : subresource === 'attach' ? 'attach to' : 'port-forward to';
      throw apiError('BadRequest', `cannot ${what} a container in a completed pod; current phase is ${phase}`);
    }
    const address = await this.#kubeletOf(pod);
    if (address === undefined) throw apiError('BadRequest', `pod ${name} does not have a host assigned`);
    const container = subresource === 'portforward' ? '' : containerOf(pod, exchange.query.get('container') ?? '');
    const isWebSocket = headerOf(req, 'upgrade').toLowerCase() === 'websocket';
    const offered = headerOf(req, 'sec-websocket-protocol');
    const channels = isWebSocket && subresource !== 'portforward' && speaksChannels(offered);
    // The engine's WebSocket cannot be told that input has ended, which clients of v5 count on.
    const endsInput = offered.includes('v5.channel.k8s.io') && flag(exchange.query, 'stdin') === true;
    if (address.agentPort !== undefined && channels && !endsInput) {
      const agent = this.#parts.kubelets.agent(address);
      serveExec(req, socket, head, { pod, container, query: exchange.query, agent, attach: subresource === 'attach' });
      return;
    }
    // Kubelets speak SPDY; a client whose WebSocket is refused asks again with SPDY, which is passed on as it is.
    if (isWebSocket) throw apiError('BadRequest', 'this stream takes SPDY upgrades only');
    const backend = await this.#parts.kubelets.connect(address, signal);
    const path =
      subresource === 'portforward'
        ? `/portForward/${namespace}/${name}`
        : `/${subresource}/${namespace}/${name}/${container}?${kubeletQuery(exchange.query)}`;
    tunnel(req, socket, head, backend, path, `${address.host}:${address.port}`);
  }

  async #admit(info: PathInfo, user: User): Promise<void> {
    const { group, version, resource, subresource, namespace, name } = info.target;
    const row = findResource(group, version, resource);
    if (row === undefined || !row.subresources.some((sub) => sub.name === subresource)) throw notServed();
    await this.#parts.admission.validate({
      operation: 'CONNECT',
      info: row,
      subresource,
      namespace,
      name,
      user,
      object: undefined,
      old: undefined,
      dryRun: false,
    });
  }

  async #read<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string): Promise<T> {
    const object = (await this.#parts.objects.read(objectKey(resource, namespace, name)))?.object as T | undefined;
    if (object === undefined) throw notFound(resource, name);
    return object;
  }

  #pod(info: PathInfo): Promise<Pod> {
    return this.#read<Pod>(pods, info.target.namespace, info.target.name);
  }

  async #kubeletOf(pod: Pod): Promise<KubeletAddress | undefined> {
    const name = pod.spec?.nodeName ?? '';
    return name === '' ? undefined : this.#parts.kubelets.addressOf(await this.#read<Node>(nodes, '', name));
  }

  async #proxyTarget(exchange: Exchange, info: PathInfo): Promise<ForwardTarget> {
    const { caches, kubelets, kubeletTls, pick } = this.#parts;
    const mark = exchange.req.url?.indexOf('?') ?? -1;
    const path = info.rest + (mark < 0 ? '' : (exchange.req.url?.slice(mark) ?? ''));
    const read: ProxyParts['read'] = (resource, namespace, name) => this.#read(resource, namespace, name);
    const addressOf: ProxyParts['addressOf'] = (node) => kubelets.addressOf(node);
    return { ...(await proxyTarget(info.target, { read, caches, addressOf, kubeletTls, pick })), path };
  }
}

/** The kubelet's names for the options of exec and attach. */
function kubeletQuery(query: URLSearchParams): URLSearchParams {
  const result = new URLSearchParams();
  const names: Readonly<Record<string, string>> = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' };
  for (const [name, kubelet] of Object.entries(names))
    if (['true', '1'].includes(query.get(name) ?? '')) result.set(kubelet, '1');
  for (const command of query.getAll('command')) result.append('command', command);
  return result;
}
