// Typed entries of the tables of rules.
import type { KubeObject } from '../resource.ts';
import type { FieldError } from './field-error.ts';
import type { GateEnabled } from './gates.ts';
import type { KindRules } from './registry.ts';

interface TypedRules<T extends KubeObject> {
  readonly create: (object: T, gateEnabled: GateEnabled) => FieldError[];
  readonly update?: (object: T, old: T, gateEnabled: GateEnabled) => FieldError[];
  readonly subresources?: Readonly<Record<string, (object: T, old: T) => FieldError[]>>;
}

/** An entry of a table of rules; the table's key (`group/Kind`) decides that objects have type `T`. */
export function rules<T extends KubeObject>(key: string, typed: TypedRules<T>): [string, KindRules] {
  return [key, typed as unknown as KindRules];
}
