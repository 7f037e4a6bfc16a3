// Validation of whole objects: metadata rules for every kind, then the rules of the kind.
import type { KubeObject } from '../resource.ts';
import type { ResourceInfo } from '../scheme.ts';
import { boundedErrors, type FieldError } from './field-error.ts';
import { type GateEnabled, gatesByDefault } from './gates.ts';
import { validateMetaCreate, validateMetaUpdate } from './meta.ts';
import { rulesOf } from './registry.ts';

/** What is wrong with a new object, after defaulting. Empty when nothing is. */
export function validateCreate(
  info: ResourceInfo,
  object: KubeObject,
  gateEnabled: GateEnabled = gatesByDefault,
): FieldError[] {
  return boundedErrors(() => [...validateMetaCreate(info, object), ...(rulesOf(info)?.create?.(object, gateEnabled) ?? [])]);
}

/** What is wrong with replacing `old` by `object`, on the resource itself or through `subresource`. */
export function validateUpdate(
  info: ResourceInfo,
  object: KubeObject,
  old: KubeObject,
  subresource = '',
  gateEnabled: GateEnabled = gatesByDefault,
): FieldError[] {
  const rules = rulesOf(info);
  return boundedErrors(() => {
    const errors = validateMetaUpdate(info, object, old);
    switch (subresource) {
      case '':
        return errors.concat(rules?.update?.(object, old, gateEnabled) ?? rules?.create?.(object, gateEnabled) ?? []);
      default:
        return errors.concat(rules?.subresources?.[subresource]?.(object, old) ?? []);
    }
  });
}
