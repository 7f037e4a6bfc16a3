// What single resource types need around their writes beyond the common path: allocations, checks against other objects.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import type { User } from '../request.ts';

export interface WriteContext {
  readonly info: ResourceInfo;
  readonly subresource: string;
  readonly user: User;
  readonly dryRun: boolean;
}

/** Undoes what a hook reserved, when the write it belongs to did not happen. */
export type Undo = () => Promise<void>;

export interface ResourceHooks {
  /** Completes `object` after admission, before validation. */
  beforeCreate?(object: KubeObject, context: WriteContext): Promise<Undo | undefined>;
  beforeUpdate?(object: KubeObject, old: KubeObject, context: WriteContext): Promise<Undo | undefined>;
  /** After an update was stored. */
  afterUpdate?(object: KubeObject, old: KubeObject): Promise<void>;
  /** After the key is gone. */
  afterDelete?(object: KubeObject): Promise<void>;
}

/** Hooks by `resource.group`, or the plain resource in the core group. */
export type HookTable = ReadonlyMap<string, ResourceHooks>;
