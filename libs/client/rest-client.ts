// Transport: the Kubernetes REST API over one HTTP/2 connection, for running on an upstream apiserver or on ours.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { apiVersionOf } from '@drydock/api/resource.ts';
import { ApiError } from '@drydock/api/status.ts';
import type {
  ApiClient,
  CallOptions,
  DeleteOptions,
  GetOptions,
  ListOptions,
  ObjectKey,
  ObjectList,
  Patch,
  PatchOptions,
  RawQuery,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './api-client.ts';
import { deleteOptionsBody, patchContentTypes } from './bodies.ts';
import type { ClientPorts } from './connect.ts';
import { parseStatus, unavailable } from './errors.ts';
import { Http2Connection } from './http2-connection.ts';
import type { ClientConfig } from './kubeconfig.ts';
import { watchLineCharsMax } from './limits.ts';
import { listQuery, objectPath, query, resourcePath, watchQuery, writeQuery } from './paths.ts';

/** ApiClient over HTTPS. Construct it with `connect`. */
export class RestClient implements ApiClient {
  readonly #connection: Http2Connection;

  constructor(config: ClientConfig, ports: ClientPorts) {
    this.#connection = new Http2Connection(config, ports);
  }

  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: GetOptions = {}): Promise<T> {
    const path = objectPath(resource, key, options.subresource) + query({ resourceVersion: options.resourceVersion });
    return this.#call<T>('GET', path, undefined, undefined, options);
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const path = resourcePath(resource, options.namespace) + listQuery(options);
    const list = await this.#call<{ metadata?: ObjectList<T>['metadata']; items?: T[] | null }>(
      'GET',
      path,
      undefined,
      undefined,
      options,
    );
    return { metadata: list.metadata ?? {}, items: withType(resource, list.items ?? []) };
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions = {}): AsyncIterable<WatchEvent<T>> {
    const path = resourcePath(resource, options.namespace) + watchQuery(options);
    for await (const line of lines(this.#connection.stream(path, options.signal, options.onOpen))) {
      if (options.signal?.aborted) return;
      const event = JSON.parse(line) as { type: WatchEvent<T>['type'] | 'ERROR'; object: T };
      if (event.type === 'ERROR') {
        throw new ApiError(
          parseStatus(JSON.stringify(event.object)) ?? unavailable(`watch failed: ${line.slice(0, 512)}`).status,
        );
      }
      yield { type: event.type, object: event.object };
    }
  }

  create<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options: WriteOptions = {},
  ): Promise<R> {
    const name = options.subresource === undefined ? undefined : object.metadata?.name;
    const path = resourcePath(resource, object.metadata?.namespace, name, options.subresource) + writeQuery(options);
    return this.#call<R>('POST', path, 'application/json', JSON.stringify(object), options);
  }

  update<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options: WriteOptions = {},
  ): Promise<R> {
    const path = resourcePath(resource, object.metadata?.namespace, object.metadata?.name, options.subresource);
    return this.#call<R>('PUT', path + writeQuery(options), 'application/json', JSON.stringify(object), options);
  }

  patch<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Patch, options: PatchOptions = {}): Promise<T> {
    const path = objectPath(resource, key, options.subresource) + writeQuery(options);
    return this.#call<T>('PATCH', path, patchContentTypes[patch.type], JSON.stringify(patch.body), options);
  }

  async delete<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    await this.#call('DELETE', objectPath(resource, key), 'application/json', deleteOptionsBody(options), options);
  }

  async deleteCollection<T extends KubeObject>(
    resource: Resource<T>,
    list: ListOptions = {},
    options: DeleteOptions = {},
  ): Promise<void> {
    const path = resourcePath(resource, list.namespace) + listQuery(list);
    await this.#call('DELETE', path, 'application/json', deleteOptionsBody(options), { ...list, ...options });
  }

  getRaw<T>(path: string, parameters: RawQuery = {}, options: CallOptions = {}): Promise<T> {
    return this.#call<T>('GET', path + query(parameters), undefined, undefined, options);
  }

  close(): void {
    this.#connection.close();
  }

  async #call<R>(
    method: string,
    path: string,
    contentType: string | undefined,
    body: string | undefined,
    options: CallOptions,
  ): Promise<R> {
    const text = await this.#connection.request(method, path, contentType, body, options);
    try {
      return JSON.parse(text) as R;
    } catch (cause) {
      throw unavailable(`${method} ${path}: the answer is not JSON`, cause);
    }
  }
}

/** The items of a list lack kind and apiVersion on this wire; objects of ours always carry them. */
function withType<T extends KubeObject>(resource: Resource<T>, items: T[]): T[] {
  const apiVersion = apiVersionOf(resource);
  return items.map((item) => (item.kind === undefined ? { apiVersion, kind: resource.kind, ...item } : item));
}

async function* lines(chunks: AsyncIterable<string>): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > watchLineCharsMax) throw unavailable('a watch event is larger than the limit');
    for (const part of parts) if (part.trim() !== '') yield part;
  }
}
