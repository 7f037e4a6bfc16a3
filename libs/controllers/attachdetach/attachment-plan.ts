// The VolumeAttachments of one volume: one for each node where pods use it, and none where nobody does and the node has let go of it.
// What attaches and detaches is the driver's own program, which answers in their status. Pure; follows upstream's
// pkg/controller/volume/attachdetach/reconciler and pkg/volume/csi/csi_attacher.go.
import type { Node, PersistentVolume, Pod, VolumeAttachment } from '@drydock/api/generated/types.ts';
import { pods as podResource, volumeAttachments } from '@drydock/api/resource.ts';
import { attachedName, attachmentName, type DriverVolume, mayBeOnSeveralNodes } from '@drydock/api/storage/attachments.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { isBeingDeleted, keyOf, nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';
import { type DetachSettings, detachable, mayDetach } from './detachable.ts';
import type { Users } from './users.ts';

/** How long the driver's program may take before pods are told that it does (upstream's csiTimeout). */
export const attachWaitMs = 120_000;

/** How long until it is looked whether what was asked to be taken away is on its way. */
const lookAgainMs = 30_000;

/** Between two times that pods are told of a failure: at first, and at most (upstream's exponentialbackoff). */
const tellAgain = { firstMs: 500, maxMs: 122_000 };

export interface AttachmentView {
  /** undefined where nothing is left that tells what the volume was. */
  readonly volume: DriverVolume | undefined;
  /** Whether the driver has a part that attaches. */
  readonly attachRequired: boolean;
  readonly users: readonly Users[];
  /** All of the volume, those that are being deleted included. */
  readonly attachments: readonly VolumeAttachment[];
  nodeOf(name: string): Node | undefined;
}

/** What was seen at one node, for the times and the events that no object tells. Times are monotonic. Lost without harm. */
interface NodeMemory {
  /** Since when nobody has used the volume there. */
  readonly unusedSinceMs?: number;
  /** The node has been seen not to use it since: it does not matter any more whether the node is there. */
  readonly letGo?: boolean;
  /** Since when the driver's program has been asked and has not answered. */
  readonly askedSinceMs?: number;
  /** When pods were told of a failure, and how long they are not told again. */
  readonly told?: { readonly atMs: number; readonly forMs: number };
  /** Pods were told that the volume is elsewhere. */
  readonly isContended?: true;
}

export type AttachmentMemory = ReadonlyMap<string, NodeMemory>;

export interface Step {
  readonly why: string;
  readonly action: Action;
  /** Done only if the node, asked anew, neither uses the volume nor has been told that it is there. */
  readonly unlessUsedOn?: string;
  /** Who is told if it fails. */
  readonly asker?: Users;
  /** The node says that it uses the volume, and is not waited for. */
  readonly forced?: 'timeout' | 'out-of-service';
}

export interface AttachmentPlan {
  readonly steps: readonly Step[];
  readonly memory: AttachmentMemory;
  /** Nodes whose status does not say about the volume what it is to say. Nothing is taken away that a status still names. */
  readonly tell: readonly string[];
  readonly requeueAfterMs: number | undefined;
}

/** @param nowMs monotonic. */
export function planAttachments(
  view: AttachmentView,
  memory: AttachmentMemory,
  nowMs: number,
  settings: DetachSettings,
): AttachmentPlan {
  const plan = new Draft(view, memory, nowMs);
  const users = view.attachRequired ? view.users : [];
  const used = new Set(users.map(({ node }) => node));
  for (const attachment of view.attachments) if (!used.has(attachment.spec.nodeName)) plan.leave(attachment, settings);
  for (const each of users) plan.use(each);
  return plan.done();
}

class Draft {
  readonly #view: AttachmentView;
  readonly #before: AttachmentMemory;
  readonly #nowMs: number;
  readonly #events: Step[] = [];
  readonly #writes: Step[] = [];
  readonly #memory = new Map<string, NodeMemory>();
  readonly #tell: string[] = [];
  /** Where the volume is, or will be, and that nobody is taking it away. */
  readonly #places = new Map<string, boolean>();
  #requeueAfterMs: number | undefined;

  constructor(view: AttachmentView, before: AttachmentMemory, nowMs: number) {
    this.#view = view;
    this.#before = before;
    this.#nowMs = nowMs;
    for (const { metadata, spec, status } of view.attachments) {
      const isLeaving = metadata?.deletionTimestamp !== undefined && status?.detachError === undefined;
      this.#places.set(spec.nodeName, !isLeaving);
    }
  }

  done(): AttachmentPlan {
    return {
      steps: [...this.#events, ...this.#writes],
      memory: this.#memory,
      tell: this.#tell,
      requeueAfterMs: this.#requeueAfterMs,
    };
  }

  /** Nobody uses it there. */
  leave(attachment: VolumeAttachment, settings: DetachSettings): void {
    if (isBeingDeleted(attachment)) return;
    const { volume } = this.#view;
    const name = attachment.spec.nodeName;
    const node = this.#view.nodeOf(name);
    const { unusedSinceMs = this.#nowMs, letGo: hadLetGo = false } = this.#before.get(name) ?? {};
    const unusedMs = this.#nowMs - unusedSinceMs;
    const status = volume === undefined ? 'safe' : detachable(attachedName(volume), node, unusedMs, settings, hadLetGo);
    this.#memory.set(name, { unusedSinceMs, letGo: status === 'safe' });
    if (typeof status === 'number') this.#look(status);
    if (!mayDetach(status)) return;
    if (volume !== undefined && isNamed(volume, node)) {
      this.#tell.push(name);
      return;
    }
    this.#places.set(name, false);
    this.#look(lookAgainMs);
    const action: Action = {
      verb: 'delete',
      resource: volumeAttachments,
      key: { name: nameOf(attachment) },
      preconditions: { uid: uidOf(attachment) },
    };
    const why = `no pod on node ${name} uses it`;
    if (status === 'timeout' || status === 'out-of-service')
      this.#writes.push({ why: `${why} (${status})`, action, forced: status });
    else this.#writes.push({ why, action, unlessUsedOn: name });
  }

  /** Pods there use it. */
  use(users: Users): void {
    const { volume, attachments } = this.#view;
    if (volume === undefined) return;
    const { node } = users;
    const present = attachments.find(({ spec }) => spec.nodeName === node);
    if (present !== undefined) this.#await(users, volume, present);
    else if (users.attaches) this.#attach(users, volume);
  }

  #attach(users: Users, volume: DriverVolume): void {
    const { node, pods } = users;
    if (!mayBeOnSeveralNodes(users.volume)) {
      const elsewhere = [...this.#places].filter(([name]) => name !== node);
      if (elsewhere.length > 0) {
        this.#contend(users, elsewhere);
        return;
      }
    }
    this.#places.set(node, true);
    const object: VolumeAttachment = {
      metadata: { name: attachmentName(volume, node) },
      spec: { attacher: volume.driver, nodeName: node, source: { persistentVolumeName: nameOf(users.volume) } },
      status: { attached: false },
    };
    const why = `pod ${keyOf(pods[0] ?? {})} on node ${node} uses it`;
    this.#writes.push({ why, action: { verb: 'create', resource: volumeAttachments, object }, asker: users });
  }

  /** It may be on one node only, and is on another; while it is on its way from there, nobody is told. */
  #contend(users: Users, elsewhere: readonly (readonly [node: string, stays: boolean])[]): void {
    const wasTold = this.#before.get(users.node)?.isContended === true;
    if (!wasTold && !elsewhere.some(([, stays]) => stays)) return;
    this.#memory.set(users.node, { isContended: true });
    if (wasTold) return;
    const nodes = new Set(elsewhere.map(([name]) => name));
    const others = this.#view.users.filter(({ node }) => nodes.has(node)).flatMap(({ pods }) => pods);
    for (const pod of users.pods) {
      const message = `Multi-Attach error for volume ${JSON.stringify(nameOf(users.volume))} ${whoHasIt(pod, others)}`;
      this.#events.push({ why: 'it is on another node', action: failure(pod, message) });
    }
  }

  /** The driver's program has been asked. */
  #await(users: Users, volume: DriverVolume, { metadata, status }: VolumeAttachment): void {
    if (metadata?.deletionTimestamp !== undefined) return;
    if (status?.attached === true) {
      if (!isNamed(volume, this.#view.nodeOf(users.node))) this.#tell.push(users.node);
      return;
    }
    const before = this.#before.get(users.node);
    const askedSinceMs = before?.askedSinceMs ?? this.#nowMs;
    const waitMs = askedSinceMs + attachWaitMs - this.#nowMs;
    const { message } = status?.attachError ?? {};
    if (message === undefined && waitMs > 0) {
      this.#memory.set(users.node, { askedSinceMs });
      this.#look(waitMs);
      return;
    }
    const told = before?.told;
    const quietMs = told === undefined ? 0 : told.atMs + told.forMs - this.#nowMs;
    if (told !== undefined && quietMs > 0) {
      this.#memory.set(users.node, { askedSinceMs, told });
      this.#look(quietMs);
      return;
    }
    const forMs = told === undefined ? tellAgain.firstMs : Math.min(told.forMs * 2, tellAgain.maxMs);
    this.#memory.set(users.node, { askedSinceMs, told: { atMs: this.#nowMs, forMs } });
    this.#look(forMs);
    const late = `timed out waiting for external-attacher of ${volume.driver} CSI driver to attach volume ${volume.handle}`;
    for (const pod of users.pods)
      this.#events.push({ why: 'it is not attached', action: attachFailed(pod, users.volume, message ?? late) });
  }

  #look(afterMs: number): void {
    this.#requeueAfterMs = Math.min(this.#requeueAfterMs ?? afterMs, afterMs);
  }
}

function isNamed(volume: DriverVolume, node: Node | undefined): boolean {
  return (node?.status?.volumesAttached ?? []).some(({ name }) => name === attachedName(volume));
}

/** What a pod's user is told: names of pods in the same namespace only. */
function whoHasIt(pod: Pod, others: readonly Pod[]): string {
  if (others.length === 0) return "Volume is already exclusively attached to one node and can't be attached to another";
  const near = others.filter((other) => namespaceOf(other) === namespaceOf(pod)).map(nameOf);
  const far = others.length - near.length;
  if (near.length === 0) return `Volume is already used by ${far} pod(s) in different namespaces`;
  return `Volume is already used by pod(s) ${near.join(', ')}${far > 0 ? ` and ${far} pod(s) in different namespaces` : ''}`;
}

/** A pod is told that its volume could not be attached. */
export function attachFailed(pod: Pod, volume: PersistentVolume, why: string): Action {
  return failure(pod, `AttachVolume.Attach failed for volume ${JSON.stringify(nameOf(volume))} : ${why}`);
}

function failure(pod: Pod, message: string): Action {
  return eventAbout(podResource, pod, 'Warning', 'FailedAttachVolume', message);
}
