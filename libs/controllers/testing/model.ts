// The least of an apiserver that tells whether a plan, once executed, leaves nothing to plan: objects by resource and name.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { groupResourceOf } from '@drydock/api/resource.ts';
import type { Action, EventAction } from '../common/action.ts';

/** Executes actions on plain objects: versions, uids, generations and strategic merge of what claims and taints need. */
export class Model {
  readonly #objects = new Map<string, KubeObject>();
  readonly events: EventAction[] = [];
  #version = 100;

  add(resource: Resource, ...objects: KubeObject[]): void {
    for (const object of objects) this.#objects.set(this.#key(resource, object.metadata), structuredClone(object));
  }

  list<T extends KubeObject>(resource: Resource<T>): T[] {
    const prefix = `${groupResourceOf(resource)} `;
    return [...this.#objects].filter(([key]) => key.startsWith(prefix)).map(([, object]) => object as T);
  }

  get<T extends KubeObject>(resource: Resource<T>, name: string, namespace?: string): T | undefined {
    return this.#objects.get(this.#key(resource, { name, namespace })) as T | undefined;
  }

  apply(actions: readonly Action[]): void {
    for (const action of actions) this.#apply(action);
  }

  #apply(action: Action): void {
    switch (action.verb) {
      case 'event':
        this.events.push(action);
        return;
      case 'verify':
        return;
      case 'create': {
        const { metadata } = action.object;
        const name = metadata?.name ?? `${metadata?.generateName ?? ''}${this.#version}`;
        this.#store(action.resource, { ...action.object, metadata: { ...metadata, name, uid: `uid-${name}`, generation: 1 } });
        return;
      }
      case 'update': {
        const current = this.#current(action.resource, action.object.metadata);
        if (current.metadata?.resourceVersion !== action.object.metadata?.resourceVersion) throw new Error('Conflict');
        this.#store(action.resource, merged(current, action.object, action.subresource));
        return;
      }
      case 'patch':
        this.#store(action.resource, patched(this.#current(action.resource, action.key), action.patch.body));
        return;
      case 'delete':
        this.#current(action.resource, action.key);
        this.#objects.delete(this.#key(action.resource, action.key));
    }
  }

  #current(resource: Resource, key: { namespace?: string | undefined; name?: string | undefined } | undefined): KubeObject {
    const found = this.#objects.get(this.#key(resource, key));
    if (found === undefined) throw new Error(`NotFound: ${resource.resource} ${key?.name}`);
    return found;
  }

  #store(resource: Resource, object: KubeObject): void {
    this.#version++;
    const stored = structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } });
    this.#objects.set(this.#key(resource, stored.metadata), JSON.parse(JSON.stringify(stored)));
  }

  #key(resource: Resource, key: { namespace?: string | undefined; name?: string | undefined } | undefined): string {
    return `${groupResourceOf(resource)} ${resource.namespaced ? (key?.namespace ?? '') : ''}/${key?.name ?? ''}`;
  }
}

function merged(current: KubeObject, next: KubeObject, subresource: string | undefined): KubeObject {
  const [before, after] = [current as Record<string, unknown>, next as Record<string, unknown>];
  if (subresource === 'status') return { ...before, metadata: after['metadata'], status: after['status'] } as KubeObject;
  const changed = JSON.stringify(before['spec']) !== JSON.stringify(after['spec']);
  const generation = (current.metadata?.generation ?? 0) + (changed ? 1 : 0);
  return { ...after, metadata: { ...next.metadata, generation }, status: before['status'] } as KubeObject;
}

/** Merge patch, with owner references merged by uid. */
function patched(current: KubeObject, body: object): KubeObject {
  return mergeInto(current, body) as KubeObject;
}

function mergeInto(target: unknown, body: unknown, field = ''): unknown {
  if (field === 'ownerReferences' && Array.isArray(body)) {
    const list = new Map(((target as { uid: string }[] | undefined) ?? []).map((entry) => [entry.uid, entry]));
    for (const entry of body as { uid: string; $patch?: string }[]) {
      if (entry.$patch === 'delete') list.delete(entry.uid);
      else list.set(entry.uid, { ...list.get(entry.uid), ...entry });
    }
    return [...list.values()];
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const result: Record<string, unknown> = { ...(target as Record<string, unknown> | undefined) };
  for (const [key, value] of Object.entries(body)) {
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const list = key.slice(key.indexOf('/') + 1);
      result[list] = ((result[list] as unknown[] | undefined) ?? []).filter((entry) => !(value as unknown[]).includes(entry));
    } else if (value === null) delete result[key];
    else result[key] = mergeInto(result[key], value, key);
  }
  return result;
}
