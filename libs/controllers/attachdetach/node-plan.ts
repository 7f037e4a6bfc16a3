// What a node's status says about the volumes that are attached to it: its kubelet uses none that is not named there. Pure; follows
// upstream's pkg/controller/volume/attachdetach/statusupdater.
import type { AttachedVolume, Node, VolumeAttachment } from '@drydock/api/generated/types.ts';
import { nodes, pods as podResource } from '@drydock/api/resource.ts';
import { attachedName, attachedNamePrefix, type DriverVolume } from '@drydock/api/storage/attachments.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { isBeingDeleted, nameOf } from '../common/object-meta.ts';
import { type DetachSettings, detachable, mayDetach } from './detachable.ts';
import { isManaged, type Users } from './users.ts';

/** A volume with its attachment to the node. */
export interface OnNode {
  readonly volume: DriverVolume;
  readonly attachment: VolumeAttachment;
  /** Who uses it there; undefined where nobody does, or where it is not for attaching any more. */
  readonly users: Users | undefined;
  /** For how long nobody has used it, in milliseconds. */
  readonly unusedMs: number;
}

/** The write that makes the status say it, and what pods are told; nothing where it says so, or the kubelet attaches for itself. */
export function planNodeStatus(node: Node, attached: readonly OnNode[], settings: DetachSettings): Action[] {
  if (!isManaged(node)) return [];
  const before = node.status?.volumesAttached ?? [];
  const wanted = new Map(
    attached.filter((each) => isReported(each, node, settings)).map((each) => [attachedName(each.volume), each]),
  );
  const kept = before.filter(({ name }) => !name.startsWith(attachedNamePrefix) || wanted.has(name));
  const named = new Set(before.map(({ name }) => name));
  const added = [...wanted].filter(([name]) => !named.has(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  if (added.length === 0 && kept.length === before.length) return [];
  const volumesAttached: AttachedVolume[] = [...kept, ...added.map(([name]) => ({ name, devicePath: '' }))];
  const patch: Action = {
    verb: 'patch',
    resource: nodes,
    key: { name: nameOf(node) },
    subresource: 'status',
    patch: {
      type: 'merge',
      body: {
        metadata: { resourceVersion: node.metadata?.resourceVersion },
        status: { volumesAttached: volumesAttached.length > 0 ? volumesAttached : null },
      },
    },
  };
  // What is said before is said at least once.
  return [...added.flatMap(([, { users }]) => (users === undefined ? [] : succeeded(users))), patch];
}

function isReported({ volume, attachment, users, unusedMs }: OnNode, node: Node, settings: DetachSettings): boolean {
  if (isBeingDeleted(attachment) || attachment.status?.attached !== true) return false;
  return users !== undefined || !mayDetach(detachable(attachedName(volume), node, unusedMs, settings));
}

function succeeded({ pods, volume }: Users): Action[] {
  const message = `AttachVolume.Attach succeeded for volume ${JSON.stringify(nameOf(volume))} `;
  return pods.map((pod) => eventAbout(podResource, pod, 'Normal', 'SuccessfulAttachVolume', message));
}
