// Doing what a plan says, against the apiserver, in order, up to the first failure.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { apiError, hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { mayHaveHappened } from '@drydock/client/errors.ts';
import type { Action, EventAction, Target } from './action.ts';
import { isBeingDeleted, nameOf, uidOf } from './object-meta.ts';

export interface ExecutePorts {
  readonly client: ApiClient;
  /** Records an event; never fails. */
  record(event: EventAction): void;
  /** Told about every object as the apiserver answered it. */
  wrote?(resource: Resource, object: KubeObject): void;
  deleted?(resource: Resource, key: Target, uid: string): void;
  /** Told that a creation failed and may have happened all the same. */
  unknown?(resource: Resource): void;
}

/** Creates `object`, and tells the ports what came of it. */
export async function createObject<T extends KubeObject>(
  resource: Resource<T>,
  object: T,
  ports: Omit<ExecutePorts, 'record'>,
): Promise<T> {
  try {
    const created = await ports.client.create(resource, object);
    ports.wrote?.(resource, created);
    return created;
  } catch (error) {
    if (mayHaveHappened(error)) ports.unknown?.(resource);
    throw error;
  }
}

/**
 * Executes `actions` in order. Fails with the ApiError of the first that fails; what was done before stays done, and the next
 * round plans from there. Deleting what is gone, or is another object by now, is no failure.
 */
export async function execute(actions: readonly Action[], ports: ExecutePorts): Promise<void> {
  for (const action of actions) await executeOne(action, ports);
}

async function executeOne(action: Action, ports: ExecutePorts): Promise<void> {
  const { client } = ports;
  switch (action.verb) {
    case 'event':
      ports.record(action);
      return;
    case 'verify':
      await verify(client, action.resource, action.key, action.uid);
      return;
    case 'create':
      await createObject(action.resource, action.object, ports);
      return;
    case 'update': {
      const options = action.subresource === undefined ? {} : { subresource: action.subresource };
      ports.wrote?.(action.resource, await client.update(action.resource, action.object, options));
      return;
    }
    case 'patch': {
      const options = action.subresource === undefined ? {} : { subresource: action.subresource };
      ports.wrote?.(action.resource, await client.patch(action.resource, action.key, action.patch, options));
      return;
    }
    case 'delete':
      await remove(action, ports);
  }
}

/** Throws reason Conflict where the object is gone, another, or being deleted: then nothing may be done in its name. */
async function verify(client: ApiClient, resource: Resource, key: Target, uid: string): Promise<void> {
  const live = await client.get(resource, key);
  if (uidOf(live) !== uid) {
    throw apiError(
      'Conflict',
      `original ${resource.kind} ${key.namespace}/${key.name} is gone: got uid ${uidOf(live)}, wanted ${uid}`,
    );
  }
  if (isBeingDeleted(live)) throw apiError('Conflict', `${key.namespace}/${nameOf(live)} has just been deleted`);
}

async function remove(action: Extract<Action, { verb: 'delete' }>, ports: ExecutePorts): Promise<void> {
  const { resource, key, preconditions, propagationPolicy, gracePeriodSeconds } = action;
  try {
    await ports.client.delete(resource, key, {
      ...(preconditions === undefined ? {} : { preconditions }),
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    });
  } catch (error) {
    if (hasReason(error, 'NotFound')) return;
    throw error;
  }
  if (preconditions?.uid !== undefined) ports.deleted?.(resource, key, preconditions.uid);
}
