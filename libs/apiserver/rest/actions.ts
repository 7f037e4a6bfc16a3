// Requests that are not a plain read or write of the object in the path: one table from resource and subresource to what is done.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { Call } from '../call.ts';

/** Answers a call with an object. */
export type Action = (call: Call) => Promise<KubeObject>;

export interface ActionTable {
  readonly get?: Readonly<Record<string, Action>>;
  readonly create?: Readonly<Record<string, Action>>;
  readonly update?: Readonly<Record<string, Action>>;
}

/** The actions by `resource.group` (plain `resource` in the core group), with `/subresource` where there is one. */
export class Actions {
  readonly #table: ActionTable;

  constructor(table: ActionTable) {
    this.#table = table;
  }

  async get(call: Call): Promise<KubeObject | undefined> {
    return this.#table.get?.[keyOf(call)]?.(call);
  }

  async create(call: Call): Promise<KubeObject | undefined> {
    return this.#table.create?.[keyOf(call)]?.(call);
  }

  async update(call: Call): Promise<KubeObject | undefined> {
    return this.#table.update?.[keyOf(call)]?.(call);
  }
}

function keyOf(call: Call): string {
  const { group, resource } = call.info;
  const base = group === '' ? resource : `${resource}.${group}`;
  return call.subresource === undefined ? base : `${base}/${call.subresource.name}`;
}
