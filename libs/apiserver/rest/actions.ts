// Requests that are not a plain write of the object in the path: one table from resource and subresource to what is done.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { Call } from '../call.ts';

/** Answers a call with an object. `asked`: the body, decoded, defaulted and admitted; it is the action's to change. */
export type Action = (call: Call, asked: KubeObject) => Promise<KubeObject>;

/** The actions by `resource.group` (plain `resource` in the core group), with `/subresource` where there is one. */
export class Actions {
  readonly #onCreate: Readonly<Record<string, Action>>;

  constructor(onCreate: Readonly<Record<string, Action>>) {
    this.#onCreate = onCreate;
  }

  /** What is done instead of storing a new object; undefined where it is stored. */
  onCreate(call: Call): Action | undefined {
    return this.#onCreate[keyOf(call)];
  }
}

function keyOf(call: Call): string {
  const { group, resource } = call.info;
  const base = group === '' ? resource : `${resource}.${group}`;
  return call.subresource === undefined ? base : `${base}/${call.subresource.name}`;
}
