// Typed entries of the tables of defaults.
import type { KubeObject } from '../resource.ts';
import type { Defaulter } from './registry.ts';

/** An entry of a table of defaulters; the table's key decides that the object has type `T`. */
export function defaulter<T extends KubeObject>(key: string, fill: (object: T) => void): [string, Defaulter] {
  return [key, fill as Defaulter];
}
