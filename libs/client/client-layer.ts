// A client around another: what every call has to pass, in one place (a lease, a rate limit, an identity, a broken network).
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
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

/** A call on its way through a layer. */
export interface Call {
  readonly verb: 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'deleteCollection' | 'getRaw';
  /** Of getRaw: one whose parts are all empty. */
  readonly resource: Resource;
  /** Empty for lists, and for creates that leave the name to the server. Of getRaw: the path. */
  readonly name: string;
  readonly subresource: string | undefined;
  readonly options: CallOptions;
}

/** Whether the call may change something. */
export function isWrite(call: Call): boolean {
  return call.verb !== 'get' && call.verb !== 'list' && call.verb !== 'getRaw';
}

/** Makes the call on `client`, with `more` in place of the caller's options of those names. */
export type Run<R> = (client: ApiClient, more?: CallOptions) => Promise<R>;

export abstract class ClientLayer implements ApiClient {
  /** Resolves with what `run` gives, if and when it is called. */
  protected abstract around<R>(call: Call, run: Run<R>): Promise<R>;
  abstract watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  abstract close(): void;

  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: GetOptions = {}): Promise<T> {
    const call = callOf('get', resource, key.name, options);
    return this.around(call, (client, more) => client.get(resource, key, { ...options, ...more }));
  }

  list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    return this.around(callOf('list', resource, '', options), (client, more) => client.list(resource, { ...options, ...more }));
  }

  create<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options: WriteOptions = {},
  ): Promise<R> {
    const call = callOf('create', resource, object.metadata?.name, options);
    return this.around(call, (client, more) => client.create<T, R>(resource, object, { ...options, ...more }));
  }

  update<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options: WriteOptions = {},
  ): Promise<R> {
    const call = callOf('update', resource, object.metadata?.name, options);
    return this.around(call, (client, more) => client.update<T, R>(resource, object, { ...options, ...more }));
  }

  patch<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Patch, options: PatchOptions = {}): Promise<T> {
    const call = callOf('patch', resource, key.name, options);
    return this.around(call, (client, more) => client.patch(resource, key, patch, { ...options, ...more }));
  }

  delete<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    const call = callOf('delete', resource, key.name, options);
    return this.around(call, (client, more) => client.delete(resource, key, { ...options, ...more }));
  }

  deleteCollection<T extends KubeObject>(
    resource: Resource<T>,
    list: ListOptions = {},
    options: DeleteOptions = {},
  ): Promise<void> {
    const call = callOf('deleteCollection', resource, '', { ...list, ...options });
    return this.around(call, (client, more) => client.deleteCollection(resource, list, { ...options, ...more }));
  }

  getRaw<T>(path: string, query: RawQuery = {}, options: CallOptions = {}): Promise<T> {
    const call = callOf('getRaw', noResource, path, options);
    return this.around(call, (client, more) => client.getRaw<T>(path, query, { ...options, ...more }));
  }
}

/** Of calls that are about a path. */
export const noResource: Resource = { group: '', version: '', resource: '', kind: '', namespaced: false };

function callOf(verb: Call['verb'], resource: Resource, name: string | undefined, options: WriteOptions): Call {
  return { verb, resource, name: name ?? '', subresource: options.subresource, options };
}
