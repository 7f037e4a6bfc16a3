import type { KubeObject } from '../resource.ts';
import type { ResourceInfo } from '../scheme.ts';
import type { FieldError } from './field-error.ts';

export function validateMetaCreate(_info: ResourceInfo, _object: KubeObject): FieldError[] {
  return [];
}

export function validateMetaUpdate(_info: ResourceInfo, _object: KubeObject, _old: KubeObject): FieldError[] {
  return [];
}
