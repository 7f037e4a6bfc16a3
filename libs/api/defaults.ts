// Defaulting: what upstream fills into an object after decoding it, before admission and validation.

import { defaultersOf } from './defaults/registry.ts';
import type { KubeObject } from './resource.ts';
import type { ResourceInfo } from './scheme.ts';

/** Fills in the defaults of `info`'s version, in place. Idempotent. */
export function applyDefaults(info: ResourceInfo, object: KubeObject): void {
  defaultersOf(info)?.(object);
}
