// Who makes the volumes of a class.
import type { StorageClass } from '@drydock/api/generated/types.ts';
import { successorOf } from '../common/migrated-plugins.ts';

/** The name under which the provisioner looks for its claims; undefined where nobody provisions, as with `no-provisioner`. */
export function provisionerOf({ provisioner }: StorageClass): string | undefined {
  return successorOf(provisioner) ?? (isInTree(provisioner) ? undefined : provisioner);
}

/** Whether the provisioner is, or was, part of Kubernetes itself. */
export function isInTree(provisioner: string): boolean {
  return provisioner.startsWith('kubernetes.io/');
}
