// When a volume that no pod on a node uses any more may be taken from it: once its kubelet has unmounted it, or cannot be waited
// for. Pure; follows upstream's pkg/controller/volume/attachdetach/reconciler.
import type { Node } from '@drydock/api/generated/types.ts';
import { outOfServiceTaint } from '../common/nodes.ts';
import { isNodeReady } from '../nodelifecycle/health.ts';
import { isManaged, keepsEnded } from './users.ts';

/** How long a node that is not ready, or gone, may keep a volume that nobody uses (upstream's ReconcilerMaxWaitForUnmountDuration). */
export const unmountWaitMs = 360_000;

export interface DetachSettings {
  /** --disable-force-detach-on-timeout: a node that is not ready is waited for however long it takes. */
  readonly waitsForever: boolean;
}

/**
 * - `safe`: the node says that it does not use it, or said so before it was deleted.
 * - `timeout`, `out-of-service`: the node says that it uses it, and cannot be waited for. A machine may run on without its node.
 * - a number: not yet; milliseconds until it is to be looked at again.
 * - `waits`: not before the node says something else.
 */
export type Detachable = 'safe' | 'timeout' | 'out-of-service' | 'waits' | number;

/**
 * @param unusedMs for how long nobody has used the volume there.
 * @param letGo of a node that is gone: whether it was seen not to use it.
 */
export function detachable(
  name: string,
  node: Node | undefined,
  unusedMs: number,
  settings: DetachSettings,
  letGo = false,
): Detachable {
  if (node === undefined ? letGo : !(node.status?.volumesInUse ?? []).includes(name)) return 'safe';
  if ((node?.spec?.taints ?? []).some(({ key }) => key === outOfServiceTaint)) return 'out-of-service';
  if (settings.waitsForever) return 'waits';
  if (unusedMs < unmountWaitMs) return unmountWaitMs - unusedMs;
  return node !== undefined && isNodeReady(node) ? 'waits' : 'timeout';
}

/** Whether it may be taken away now. */
export function mayDetach(state: Detachable): boolean {
  return state === 'safe' || state === 'timeout' || state === 'out-of-service';
}

/** What of a node decides here; the same text, the same decisions. */
export function statusSignature(node: Node): string {
  const { volumesInUse = [], volumesAttached = [] } = node.status ?? {};
  const isOut = (node.spec?.taints ?? []).some(({ key }) => key === outOfServiceTaint);
  return JSON.stringify([volumesInUse, volumesAttached, isOut, isNodeReady(node), isManaged(node), keepsEnded(node)]);
}
