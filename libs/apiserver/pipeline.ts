// The path of every request, from credentials to answer: authenticate, authorise, decode, default, admit, validate, store,
// encode. REST and gRPC build an ApiRequest, call `handle`, and write the ApiResponse.

import { convert } from '@drydock/api/conversion.ts';
import { applyDefaults } from '@drydock/api/defaults.ts';
import { dropDisabledFields } from '@drydock/api/disabled-fields.ts';
import { decodeValue } from '@drydock/api/fields.ts';
import { forbidden } from '@drydock/api/forbidden.ts';
import type { DeleteOptions } from '@drydock/api/generated/types.ts';
import { cloneJson } from '@drydock/api/json.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { type ResourceInfo, storedAs } from '@drydock/api/scheme.ts';
import { ApiError, apiError, hasReason } from '@drydock/api/status.ts';
import { prepareForCreate, prepareForUpdate } from '@drydock/api/strategy.ts';
import { invalidError } from '@drydock/api/validate/invalid-error.ts';
import { validateCreate, validateUpdate } from '@drydock/api/validate/validate.ts';
import { warningsOnCreate, warningsOnUpdate } from '@drydock/api/warnings/warnings.ts';
import { impersonated } from './authn/impersonation.ts';
import type { Attributes } from './authz/authorizer.ts';
import { admissionOf, attributesOf, type Call, decode, deleteOptions, isDry, resolve, selectByName } from './call.ts';
import { deleteCollectionWorkersMax, generateNameAttemptsMax, watchMinMs } from './limits.ts';
import type { PipelineParts } from './pipeline-parts.ts';
import { validationMode } from './registry/decode.ts';
import { completesDeletion, deletionWarning, planDeletion } from './registry/deletion.ts';
import { alreadyExists, detailsOf, modified, notFound } from './registry/errors.ts';
import type { Undo, WriteContext } from './registry/hooks.ts';
import { baseName, checkNames, checkUid, checkVersion, keepIdentity, newMetadata } from './registry/metadata.ts';
import { applyPatch, checkPatchType } from './registry/patch.ts';
import { createsOnUpdate, groupVersionOf, returnsDeleted } from './registry/traits.ts';
import { renderingOf } from './render.ts';
import type { ApiRequest, ApiResponse, Credentials, ListResult, User } from './request.ts';
import { objectKey } from './storage/keys.ts';
import type { Change, Stored } from './storage/object-store.ts';
import { warn, withWarnings } from './warn.ts';

/** The one request path. */
export class Pipeline {
  readonly #parts: PipelineParts;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /** Answers a request; fails with ApiError. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    const user = await this.authenticate(request);
    return this.serve(request, this.admit(user, attributesOf(request), request.credentials));
  }

  /** Answers a request whose caller has been authenticated and authorised; fails with ApiError. */
  async serve(request: ApiRequest, user: User): Promise<ApiResponse> {
    const call = resolve(request, user);
    return this.#dispatch(call).catch((error: unknown) => {
      throw withWarnings(call, error);
    });
  }

  async #dispatch(call: Call): Promise<ApiResponse> {
    switch (call.request.verb) {
      case 'get':
        return this.#get(call);
      case 'list':
        return this.#list(call);
      case 'watch':
        return this.#watch(call);
      case 'create':
        return this.#create(call);
      case 'update':
        return this.#update(call, (current) => this.#replacement(call, current));
      case 'patch':
        checkPatchType(call.request.body?.contentType);
        return this.#update(call, (current) => this.#patched(call, current));
      case 'delete':
        return this.#delete(call);
      case 'deletecollection':
        return this.#deleteCollection(call);
    }
  }

  /** Whose credentials these are; fails with Unauthorized. */
  authenticate({ credentials }: Pick<ApiRequest, 'credentials'>): Promise<User> {
    return this.#parts.authenticator.authenticate(credentials);
  }

  /** The user as whom `user` acts, who may do what is asked; fails with Forbidden. */
  admit(user: User, asked: Omit<Attributes, 'user'>, { impersonate }: Pick<Credentials, 'impersonate'>): User {
    const authorize = (each: Attributes) => this.authorize(each);
    const acting = impersonate === undefined ? user : impersonated({ ...asked, user }, impersonate, authorize);
    this.authorize({ ...asked, user: acting });
    return acting;
  }

  /** Fails with Forbidden unless the user may do this. */
  authorize(attributes: Attributes): void {
    const decision = this.#parts.authorizer.authorize(attributes);
    if (!decision.allowed) throw forbidden(attributes, decision.reason);
  }

  async #get(call: Call): Promise<ApiResponse> {
    const { info, request, view } = call;
    const { namespace, name } = request.target;
    const object = await this.#parts.reader.get(info, namespace, name, request.options.resourceVersion);
    return this.#answer(call, view.read(object), 200);
  }

  async #list(call: Call): Promise<ApiResponse> {
    const { info, request } = call;
    const list = await this.#parts.reader.list(info, request.target.namespace, selectByName(request));
    return { type: 'list', code: 200, list: this.#presentList(call, list), warnings: call.warnings };
  }

  #presentList(call: Call, list: ListResult): ListResult {
    const version = groupVersionOf(call.info);
    if (call.info.storageVersion === version) return list;
    return { header: list.header, items: list.items.map((item) => convert(item, version)) };
  }

  async #watch(call: Call): Promise<ApiResponse> {
    const { info, request } = call;
    const { timeoutSeconds = 0 } = request.options;
    const timeoutMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 : watchMinMs * (1 + this.#parts.random.next());
    const rendering = renderingOf(info, request.form, () => this.#parts.clock.wallMs());
    const options = selectByName(request);
    const stream = await this.#parts.reader.watch(info, request.target.namespace, options, rendering, timeoutMs);
    if (request.signal.aborted) stream.end();
    else request.signal.addEventListener('abort', () => stream.end(), { once: true });
    return { type: 'watch', stream, warnings: call.warnings };
  }

  // -- create --------------------------------------------------------------------------------------------------------------

  async #create(call: Call): Promise<ApiResponse> {
    const action = this.#parts.actions.onCreate(call);
    if (action !== undefined) return this.#answer(call, await action(call, await this.#admitAction(call)), 201);
    const object = convert(decode(call, call.view), call.info.storageVersion);
    const undo = await this.#prepareNew(call, object);
    try {
      return this.#answer(call, await this.#storeNew(call, object), 201);
    } catch (error) {
      await undo?.();
      throw error;
    }
  }

  /** Plugins are asked about what is created and not stored: bindings, evictions, tokens, reviews. */
  async #admitAction(call: Call): Promise<KubeObject> {
    const object = decode(call, call.view);
    const asked = admissionOf(call, 'CREATE', object, undefined);
    await this.#parts.admission.mutate(asked);
    await this.#parts.admission.validate(asked);
    return object;
  }

  /** Everything between decoding a new object and storing it: metadata, admission, preparation, validation. */
  async #prepareNew(call: Call, object: KubeObject): Promise<Undo | undefined> {
    const { info, request } = call;
    const { clock, random, admission } = this.#parts;
    object.metadata = newMetadata(info, request.target.namespace, object.metadata ?? {}, clock.wallMs(), random);
    const asked = admissionOf(call, 'CREATE', object, undefined);
    await admission.mutate(asked);
    prepareForCreate(storedAs(info), object);
    dropDisabledFields(info, object, undefined, this.#parts.gateEnabled);
    const undo = await this.#hooks(info)?.beforeCreate?.(object, this.#context(call));
    try {
      const name = object.metadata?.name ?? '';
      const errors = validateCreate(info, object, this.#parts.gateEnabled);
      if (errors.length > 0) throw invalidError(info, name, errors);
      warn(call, warningsOnCreate(info, object));
      await admission.validate({ ...asked, name });
      defaultAsStored(info, object);
      return undo;
    } catch (error) {
      await undo?.();
      throw error;
    }
  }

  async #storeNew(call: Call, object: KubeObject): Promise<KubeObject> {
    const { info, request } = call;
    const namespace = object.metadata?.namespace ?? '';
    const base = baseName(object);
    for (let attempt = 1; ; attempt++) {
      const name = object.metadata?.name ?? '';
      const key = objectKey(info, namespace, name);
      if (request.options.dryRun === true) {
        if ((await this.#parts.objects.read(key)) === undefined) return object;
      } else {
        const stored = await this.#parts.objects.create(key, object, this.#ttl(info));
        if (stored !== undefined) return stored;
      }
      if (base === undefined || attempt >= generateNameAttemptsMax) throw alreadyExists(info, name);
      object.metadata = { ...object.metadata, name: base + this.#parts.random.suffix(5) };
    }
  }

  // -- update and patch ----------------------------------------------------------------------------------------------------

  /** Replaces the object by what `next` makes of the current state; for PUT and PATCH, on the object and its subresources. */
  async #update(call: Call, next: (current: KubeObject | undefined) => Promise<KubeObject>): Promise<ApiResponse> {
    const { info, request } = call;
    const { namespace, name } = request.target;
    const key = objectKey(info, namespace, name);
    let undo: Undo | undefined;
    let old: KubeObject | undefined;
    let created = false;
    const change = async (current: Stored | undefined): Promise<Change> => {
      await undo?.();
      undo = undefined;
      old = current?.object;
      if (current === undefined) {
        if (!createsOnUpdate(info) || call.subresource !== undefined) throw notFound(info, name);
        created = true;
        this.authorize({ ...attributesOf(request), user: call.user, verb: 'create' });
        const object = await next(undefined);
        if (object.metadata?.resourceVersion) throw notFound(info, name);
        undo = await this.#prepareNew(call, object);
        return { put: object, ttlSeconds: this.#ttl(info) };
      }
      const object = await next(current.object);
      undo = await this.#admitUpdate(call, object, current.object);
      return completesDeletion(info, current.object, object)
        ? { remove: true, object }
        : { put: object, ttlSeconds: this.#ttl(info) };
    };
    try {
      const outcome = await this.#parts.objects.apply(key, this.#hint(info, key), change, request.options.dryRun === true);
      if (outcome === undefined) throw notFound(info, name);
      undo = undefined;
      if (outcome.action === 'removed') await this.#hooks(info)?.afterDelete?.(outcome.object);
      else if (old !== undefined && !request.options.dryRun) await this.#hooks(info)?.afterUpdate?.(outcome.object, old);
      return this.#answer(call, call.view.read(outcome.object), created ? 201 : 200);
    } catch (error) {
      await undo?.();
      if (error instanceof ApiError && error.reason === 'Conflict' && error.status.details === undefined)
        throw modified(info, name);
      throw error;
    }
  }

  /** PUT: the body, as the whole object or the subresource's view of it. */
  async #replacement(call: Call, current: KubeObject | undefined): Promise<KubeObject> {
    const { info, view, request } = call;
    const body = decode(call, view);
    checkNames(info, request.target, body, 'named');
    if (current !== undefined) checkUid(info, body, current);
    const viewed = view.info === info ? convert(body, info.storageVersion) : body;
    return current === undefined ? viewed : cloneJson(view.write(current, viewed));
  }

  /** PATCH: the current state as the client's version sees it, patched, defaulted and back in the storage version. */
  async #patched(call: Call, current: KubeObject | undefined): Promise<KubeObject> {
    const { info, view, request } = call;
    if (current === undefined) throw notFound(info, request.target.name);
    if (request.body === undefined) throw apiError('BadRequest', 'the patch is missing');
    const whole = view.info === info;
    const viewed = cloneJson(whole ? convert(current, groupVersionOf(info)) : view.read(current));
    const patched = applyPatch(view, viewed, request.body);
    const { object: result, warnings } = decodeValue(view, patched, validationMode(request.options.fieldValidation));
    warn(call, warnings);
    if (view.info !== undefined) applyDefaults(view.info, result);
    checkNames(info, request.target, result);
    return cloneJson(view.write(current, whole ? convert(result, info.storageVersion) : result));
  }

  /** The common part of PUT and PATCH once the new object is known: versions, admission, preparation, validation. */
  async #admitUpdate(call: Call, object: KubeObject, old: KubeObject): Promise<Undo | undefined> {
    const { info, subresource } = call;
    const name = old.metadata?.name ?? '';
    checkVersion(info, object, old);
    keepIdentity(object, old);
    const admission = admissionOf(call, 'UPDATE', object, old);
    await this.#parts.admission.mutate(admission);
    dropDisabledFields(info, object, old, this.#parts.gateEnabled);
    prepareForUpdate(info, object, old, subresource?.name ?? '');
    const undo = await this.#hooks(info)?.beforeUpdate?.(object, old, this.#context(call));
    try {
      const errors = validateUpdate(info, object, old, subresource?.name ?? '', this.#parts.gateEnabled);
      if (errors.length > 0) throw invalidError(info, name, errors);
      if (subresource === undefined) warn(call, warningsOnUpdate(info, object, old));
      await this.#parts.admission.validate(admission);
      defaultAsStored(info, object);
      return undo;
    } catch (error) {
      await undo?.();
      throw error;
    }
  }

  // -- delete --------------------------------------------------------------------------------------------------------------

  async #delete(call: Call): Promise<ApiResponse> {
    const { info, request } = call;
    const options = deleteOptions(request);
    const warning = deletionWarning(info, options);
    if (warning !== undefined) warn(call, [warning]);
    const { removed, object } = await this.#deleteOne(call, request.target.namespace, request.target.name, options);
    const accepted = !removed && options.orphanDependents === false;
    if (!removed || returnsDeleted(info)) return this.#answer(call, object, accepted ? 202 : 200);
    const details = { ...detailsOf(info, request.target.name), uid: object.metadata?.uid };
    const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } as KubeObject;
    return { type: 'object', code: 200, object: status, warnings: call.warnings };
  }

  /** Deletes a pod as DELETE does; for eviction. */
  async deletePod(call: Call, name: string, options: DeleteOptions): Promise<void> {
    await this.#deleteOne(call, call.request.target.namespace, name, options);
  }

  async #deleteOne(
    call: Call,
    namespace: string,
    name: string,
    options: DeleteOptions,
  ): Promise<{ readonly removed: boolean; readonly object: KubeObject }> {
    const { info } = call;
    const key = objectKey(info, namespace, name);
    const dry = isDry(options);
    const asked = { ...admissionOf(call, 'DELETE', undefined, undefined), name, dryRun: dry };
    const change = async (current: Stored | undefined): Promise<Change> => {
      if (current === undefined) throw notFound(info, name);
      await this.#parts.admission.validate({ ...asked, old: current.object });
      const plan = planDeletion(info, current.object, options, this.#parts.clock.wallMs());
      if (plan.action === 'pending') return { keep: true };
      return plan.action === 'remove' ? { remove: true, object: plan.object } : { put: plan.object };
    };
    const outcome = await this.#parts.objects.apply(key, this.#hint(info, key), change, dry);
    if (outcome === undefined) throw notFound(info, name);
    const removed = outcome.action === 'removed';
    if (removed && !dry) await this.#hooks(info)?.afterDelete?.(outcome.object);
    return { removed, object: outcome.object };
  }

  async #deleteCollection(call: Call): Promise<ApiResponse> {
    const { info, request } = call;
    const options = deleteOptions(request);
    const list = await this.#parts.reader.list(info, request.target.namespace, request.options);
    const waiting = [...list.items];
    const work = async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
        const { namespace: where = '', name = '' } = item.metadata ?? {};
        await this.#deleteOne(call, where, name, options).catch((error: unknown) => {
          if (!hasReason(error, 'NotFound')) throw error;
        });
      }
    };
    await Promise.all(Array.from({ length: deleteCollectionWorkersMax }, work));
    return {
      type: 'list',
      code: 200,
      list: this.#presentList(call, list),
      warnings: call.warnings,
    };
  }

  #answer(call: Call, object: KubeObject, code: number): ApiResponse {
    const { info, view } = call;
    const stored = view.info === info && object.kind === info.kind;
    const shown = stored ? convert(object, groupVersionOf(info)) : object;
    return { type: 'object', code, object: shown, warnings: call.warnings };
  }

  #context(call: Call): WriteContext {
    const { info, user, request } = call;
    return { info, user, subresource: call.subresource?.name ?? '', dryRun: request.options.dryRun === true };
  }

  #hooks(info: ResourceInfo) {
    return this.#parts.hooks.get(info.group === '' ? info.resource : `${info.resource}.${info.group}`);
  }

  /** What the cache has of a key: a first guess that spares a read where it is right. */
  #hint(info: ResourceInfo, key: string): Stored | undefined {
    const entry = this.#parts.caches.of(info).hint(key);
    return entry === undefined ? undefined : { revision: entry.revision, object: entry.object };
  }

  #ttl(info: ResourceInfo): number | undefined {
    return info.resource === 'events' ? this.#parts.eventTtlSeconds : undefined;
  }
}

/** What another version left out is filled in as the stored version has it: a reader of the store would. */
function defaultAsStored(info: ResourceInfo, object: KubeObject): void {
  if (info.storageVersion !== groupVersionOf(info)) applyDefaults(storedAs(info), object);
}
