// Routes streaming subresources to their nodes, pods and services.
import type { IncomingMessage } from 'node:http';
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { type KubeObject, nodes, pods, type Resource } from '@drydock/api/resource.ts';
import { findResource } from '@drydock/api/scheme.ts';
import { apiError, methodNotAllowed, notServed } from '@drydock/api/status.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Admission } from '../admission/admission.ts';
import type { Caches } from '../registry/caches.ts';
import { notFound } from '../registry/errors.ts';
import type { Target, User } from '../request.ts';
import { objectKey } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { checkLogProtocols, logSocket } from '../streams/log-socket.ts';
import { passOn, refuse, repeated } from '../streams/pass-on.ts';
import { asSpdy, forwardedPorts, serveTunnel, tunnelled } from '../streams/port-forward.ts';
import { proxyUpgrade } from '../streams/proxy-upgrade.ts';
import { closeProtocol, serveRemoteCommand } from '../streams/remote-command.ts';
import { asksForWebSocket, offeredProtocols } from '../streams/web-socket.ts';
import { type Connector, isCommand, type Upgrade } from './connect.ts';
import { type Exchange, sendRedirect } from './exchange.ts';
import { forward } from './forward.ts';
import type { KubeletAddress, Kubelets } from './kubelet.ts';
import { answerSink, serveLogs } from './logs.ts';
import { flag } from './options.ts';
import { containerOf } from './pod-target.ts';
import { type Place, type ProxyParts, proxyTarget } from './proxy-target.ts';
import type { PathInfo } from './request-info.ts';

export interface ConnectorParts {
  readonly objects: ObjectStore;
  readonly caches: Caches;
  readonly kubelets: Kubelets;
  readonly admission: Admission;
  readonly clock: Clock;
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
      const address = await this.#kubeletOf(pod);
      return serveLogs(exchange.query, pod, address, this.#parts.kubelets, answerSink(exchange, signal), signal);
    }
    if (subresource === 'proxy') return this.#proxy(exchange, info, signal);
    if (resource === 'pods') {
      if (subresource === 'portforward') forwardedPorts(exchange.query);
      await this.#pod(info);
      throw apiError('BadRequest', 'Upgrade request required');
    }
    throw notServed();
  }

  async upgrade(exchange: Exchange, info: PathInfo, user: User, { socket, head, signal }: Upgrade): Promise<void> {
    const req = exchange.req as IncomingMessage;
    const { resource, subresource } = info.target;
    await this.#admit(info, user);
    if (resource === 'pods' && subresource === 'log') return this.#logSocket(exchange, info, { socket, head, signal });
    if (subresource === 'proxy') {
      const path = info.rest === '' ? '/' : info.rest;
      return proxyUpgrade(req, { ...(await this.#place(info)), path }, { socket, head, signal });
    }
    if (resource !== 'pods' || !isCommand(subresource)) throw notServed();
    const ports = subresource === 'portforward' ? forwardedPorts(exchange.query) : [];
    const pod = await this.#pod(info);
    const { namespace = '', name = '' } = pod.metadata ?? {};
    const address = await this.#kubeletOf(pod);
    if (address === undefined) throw apiError('BadRequest', `pod ${name} does not have a host assigned`);
    const kubelet = `${address.host}:${address.port}`;
    const { kubelets, clock } = this.#parts;
    const offered = asksForWebSocket(req) ? offeredProtocols(req) : [];
    if (subresource === 'portforward') {
      const path = `/portForward/${namespace}/${name}${ports.length === 0 ? '' : `?port=${ports.join('%2C')}`}`;
      const asked = repeated(req, path, kubelet);
      const protocols = tunnelled(offered);
      if (protocols.length === 0) return passOn(socket, head, await kubelets.upgrade(address, asked, signal));
      const answer = await kubelets.upgrade(address, asSpdy(asked, protocols), signal);
      return answer.type === 'refused' ? refuse(socket, answer) : serveTunnel(req, socket, head, answer);
    }
    const container = containerOf(pod, exchange.query.get('container') ?? '');
    const path = `/${subresource}/${namespace}/${name}/${container}?${kubeletQuery(exchange.query)}`;
    if (!offered.includes(closeProtocol))
      return passOn(socket, head, await kubelets.upgrade(address, repeated(req, path, kubelet), signal));
    const is = (option: string) => flag(exchange.query, option) ?? false;
    const streams = { stdin: is('stdin'), stdout: is('stdout'), stderr: is('stderr'), tty: is('tty') };
    serveRemoteCommand(req, socket, head, { ...streams, clock, connect: (gone) => kubelets.command(address, path, gone) });
  }

  /** Resolves when the log has begun. */
  async #logSocket(exchange: Exchange, info: PathInfo, { socket, head, signal }: Upgrade): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    checkLogProtocols(offeredProtocols(exchange.req));
    const pod = await this.#pod(info);
    const address = await this.#kubeletOf(pod);
    const sink = logSocket(exchange.req as IncomingMessage, socket, head, resolve);
    serveLogs(exchange.query, pod, address, this.#parts.kubelets, sink, signal).then(resolve, reject);
    return promise;
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
      // An upgrade has no place for warnings.
      warn: () => {},
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

  async #proxy(exchange: Exchange, info: PathInfo, signal: AbortSignal): Promise<void> {
    const place = await this.#place(info);
    const mark = exchange.req.url?.indexOf('?') ?? -1;
    const query = mark < 0 ? '' : (exchange.req.url?.slice(mark) ?? '');
    const prefix = proxyPrefix(info.target);
    // Without the slash, a browser would look for a page's relative links beside the proxy and not below it.
    if (info.rest === '' && (exchange.method === 'GET' || exchange.method === 'HEAD'))
      return sendRedirect(exchange, `${prefix}/${query}`);
    return forward(exchange, { ...place, path: (info.rest === '' ? '/' : info.rest) + query }, prefix, signal);
  }

  #place(info: PathInfo): Promise<Place> {
    const { caches, kubelets, kubeletTls, pick } = this.#parts;
    const read: ProxyParts['read'] = (resource, namespace, name) => this.#read(resource, namespace, name);
    const addressOf: ProxyParts['addressOf'] = (node) => kubelets.addressOf(node);
    return proxyTarget(info.target, { read, caches, addressOf, kubeletTls, pick });
  }
}

/** The path of the proxy itself; all that is proxied is of the core group. */
function proxyPrefix({ version, resource, namespace, name }: Target): string {
  const parts = [...(namespace === '' ? [] : ['namespaces', namespace]), resource, name, 'proxy'];
  return `/api/${version}/${parts.map(encodeURI).join('/')}`;
}

/** The kubelet's names for the options of exec and attach. */
function kubeletQuery(query: URLSearchParams): URLSearchParams {
  const result = new URLSearchParams();
  const names: Readonly<Record<string, string>> = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' };
  for (const [name, kubelet] of Object.entries(names)) if (flag(query, name) === true) result.set(kubelet, '1');
  for (const command of query.getAll('command')) result.append('command', command);
  return result;
}
