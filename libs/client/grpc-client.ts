// Transport: our own wire (proto/drydock/apiserver/v1) over gRPC with mutual TLS, to any of several apiservers. A call is
// tried on the next server only while nothing has been sent, so a write never happens twice.

import type { KubeObject, Resource } from '@drydock/api/resource.ts';
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
import { encodeMessage, encodeTarget } from './api-codec.ts';
import { deleteOptionsBody, patchContentTypes } from './bodies.ts';
import type { ClientPorts } from './connect.ts';
import { parseStatus, unavailable } from './errors.ts';
import { GrpcConnection } from './grpc-connection.ts';
import type { ClientConfig } from './kubeconfig.ts';
import { query } from './paths.ts';

/** ApiClient over gRPC. Construct it with `connect`. */
export class GrpcClient implements ApiClient {
  readonly #connection: GrpcConnection;

  constructor(config: ClientConfig, addresses: readonly string[], ports: ClientPorts) {
    this.#connection = new GrpcConnection(config, addresses, ports);
  }

  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: GetOptions = {}): Promise<T> {
    const message = encodeMessage([
      [1, target(resource, key.namespace, key.name, options.subresource)],
      [2, options.resourceVersion],
    ]);
    return this.#call<T>('Get', message, options);
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const message = encodeMessage([
      [1, target(resource, options.namespace)],
      [2, options.labelSelector],
      [3, options.fieldSelector],
      [4, options.resourceVersion],
      [5, options.resourceVersionMatch],
      [6, options.limit],
      [7, options.continue],
    ]);
    const list = await this.#call<{ metadata?: ObjectList<T>['metadata']; items?: T[] | null }>('List', message, options);
    return { metadata: list.metadata ?? {}, items: list.items ?? [] };
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions = {}): AsyncIterable<WatchEvent<T>> {
    const message = encodeMessage([
      [1, target(resource, options.namespace)],
      [2, options.labelSelector],
      [3, options.fieldSelector],
      [4, options.resourceVersion],
      [5, options.allowWatchBookmarks],
      [6, options.timeoutSeconds],
      [7, options.sendInitialEvents],
    ]);
    for await (const event of this.#connection.stream('Watch', message, options.signal, options.onOpen)) {
      if (options.signal?.aborted) return;
      const type = (event.get(1) ?? '').toString() as WatchEvent<T>['type'] | 'ERROR';
      const text = (event.get(2) ?? '').toString();
      if (type === 'ERROR') throw new ApiError(parseStatus(text) ?? unavailable(`watch failed: ${text.slice(0, 512)}`).status);
      yield { type, object: JSON.parse(text) as T };
    }
  }

  create<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options: WriteOptions = {},
  ): Promise<R> {
    return this.#write(
      'Create',
      resource,
      object,
      options.subresource === undefined ? undefined : object.metadata?.name,
      options,
    );
  }

  update<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options: WriteOptions = {},
  ): Promise<R> {
    return this.#write('Update', resource, object, object.metadata?.name, options);
  }

  patch<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Patch, options: PatchOptions = {}): Promise<T> {
    const message = encodeMessage([
      [1, target(resource, key.namespace, key.name, options.subresource)],
      [2, patchContentTypes[patch.type]],
      [3, JSON.stringify(patch.body)],
      [4, options.dryRun],
      [5, options.fieldManager],
      [6, options.force],
    ]);
    return this.#call<T>('Patch', message, options);
  }

  async delete<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    const message = encodeMessage([
      [1, target(resource, key.namespace, key.name)],
      [2, deleteOptionsBody(options)],
    ]);
    await this.#connection.call('Delete', message, options);
  }

  async deleteCollection<T extends KubeObject>(
    resource: Resource<T>,
    list: ListOptions = {},
    options: DeleteOptions = {},
  ): Promise<void> {
    const message = encodeMessage([
      [1, target(resource, list.namespace)],
      [2, list.labelSelector],
      [3, list.fieldSelector],
      [4, deleteOptionsBody(options)],
    ]);
    await this.#connection.call('DeleteCollection', message, { ...list, ...options });
  }

  getRaw<T>(path: string, parameters: RawQuery = {}, options: CallOptions = {}): Promise<T> {
    return this.#call<T>('GetRaw', encodeMessage([[1, path + query(parameters)]]), options);
  }

  close(): void {
    this.#connection.close();
  }

  #write<R extends KubeObject>(
    method: 'Create' | 'Update',
    resource: Resource,
    object: R,
    name: string | undefined,
    options: WriteOptions,
  ): Promise<R> {
    const message = encodeMessage([
      [1, target(resource, object.metadata?.namespace, name, options.subresource)],
      [2, JSON.stringify(object)],
      [3, options.dryRun],
      [4, options.fieldManager],
    ]);
    return this.#call<R>(method, message, options);
  }

  async #call<R>(method: string, message: Uint8Array, options: CallOptions): Promise<R> {
    const response = await this.#connection.call(method, message, options);
    return JSON.parse((response.get(1) ?? '').toString()) as R;
  }
}

function target(
  resource: Resource,
  namespace?: string | undefined,
  name?: string | undefined,
  subresource?: string | undefined,
): Uint8Array {
  const { group, version, resource: plural, namespaced } = resource;
  return encodeTarget({ group, version, resource: plural, namespace: namespaced ? namespace : undefined, name, subresource });
}
