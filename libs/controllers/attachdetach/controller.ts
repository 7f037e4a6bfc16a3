// Drives attachment-plan.ts and node-plan.ts. Keys: `volume/NAME` as a node's status names it, `node/NAME`, and `attachment/NAME` for
// one whose PersistentVolume is gone.
import type { Node, PersistentVolume, VolumeAttachment } from '@drydock/api/generated/types.ts';
import {
  csiDrivers,
  nodes as nodeResource,
  persistentVolumeClaims,
  persistentVolumes,
  pods as podResource,
  volumeAttachments,
} from '@drydock/api/resource.ts';
import { apiError, hasReason } from '@drydock/api/status.ts';
import {
  attachedName,
  attachmentName,
  type DriverVolume,
  driverVolumeOf,
  isAttachmentName,
  parseAttachedName,
} from '@drydock/api/storage/attachments.ts';
import { Driver, type Round } from '../common/driver.ts';
import {
  byClaim,
  byClaimRef,
  byNode,
  claimKeys,
  indexByClaim,
  indexByClaimRef,
  indexByNode,
  referenceKeys,
} from '../common/indexes.ts';
import { readLive } from '../common/live-read.ts';
import { nameOf, splitKey } from '../common/object-meta.ts';
import { errorText } from '../common/pod-control.ts';
import type { ControllerContext } from '../common/ports.ts';
import { type AttachmentMemory, attachFailed, planAttachments, type Step } from './attachment-plan.ts';
import { type DetachSettings, statusSignature } from './detachable.ts';
import { planNodeStatus } from './node-plan.ts';
import { isManaged, keepsEnded, type Users, usersOf } from './users.ts';

/** Volumes and nodes that are worked on at the same time. */
const concurrency = 8;

const byAttachedName = 'attached-name';
const byDriver = 'driver';
const byVolume = 'volume';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startAttachDetachController(settings: DetachSettings, context: ControllerContext): Promise<void> {
  const caches = openCaches(context);
  const { pods, claims, volumes, attachments, nodes, drivers } = caches;
  const attacher = new Attacher(settings, context, caches);
  const driver = new Driver(context, {
    name: 'persistentvolume-attach-detach-controller',
    concurrency,
    caches: [attachments, nodes],
    waitFor: [pods, claims, volumes, drivers],
    sync: (key, round) => attacher.sync(key, round, (node) => driver.enqueue(nodeKey(node))),
  });
  const wake = (volume: PersistentVolume): void => {
    const found = driverVolumeOf(volume);
    if (found !== undefined) driver.enqueue(volumeKey(attachedName(found)));
    for (const attachment of attachments.lookup(byVolume, nameOf(volume))) wakeAttachment(attachment);
  };
  const wakeClaim = (key: string): void => {
    for (const volume of volumes.lookup(byClaimRef, key)) wake(volume);
  };
  const wakeAttachment = (attachment: VolumeAttachment): void => {
    for (const key of attacher.keysOf(attachment)) driver.enqueue(key);
  };
  pods.subscribe(({ before, after }) => {
    for (const pod of [before, after]) {
      if (pod === undefined || (pod.spec?.nodeName ?? '') === '') continue;
      for (const key of claimKeys(pod)) wakeClaim(key);
    }
  });
  claims.subscribe(({ before, after }) => {
    const { namespace, name } = (after ?? before)?.metadata ?? {};
    wakeClaim(`${namespace}/${name}`);
  });
  volumes.subscribe(({ before, after }) => {
    for (const volume of [before, after]) if (volume !== undefined) wake(volume);
  });
  attachments.subscribe(({ before, after }) => {
    const attachment = after ?? before;
    if (attachment === undefined) return;
    wakeAttachment(attachment);
    driver.enqueue(nodeKey(attachment.spec.nodeName));
  });
  nodes.subscribe(({ before, after }) => {
    const name = nameOf(after ?? before ?? {});
    if (before !== undefined && after !== undefined && statusSignature(before) === statusSignature(after)) return;
    driver.enqueue(nodeKey(name));
    for (const attachment of attachments.lookup(byNode, name)) wakeAttachment(attachment);
    if (
      before === undefined ||
      after === undefined ||
      isManaged(before) !== isManaged(after) ||
      keepsEnded(before) !== keepsEnded(after)
    )
      for (const pod of pods.lookup(byNode, name)) for (const key of claimKeys(pod)) wakeClaim(key);
  });
  drivers.subscribe(({ before, after }) => {
    for (const volume of volumes.lookup(byDriver, nameOf(after ?? before ?? {}))) wake(volume);
  });
  await driver.start();
}

type Caches = ReturnType<typeof openCaches>;

function openCaches({ caches }: ControllerContext) {
  const pods = caches.of(podResource);
  const claims = caches.of(persistentVolumeClaims);
  const volumes = caches.of(persistentVolumes);
  const attachments = caches.of(volumeAttachments);
  const nodes = caches.of(nodeResource);
  const drivers = caches.of(csiDrivers);
  indexByClaim(pods);
  indexByNode(pods);
  indexByClaimRef(volumes);
  volumes.index(byAttachedName, (volume) => {
    const found = driverVolumeOf(volume);
    return found === undefined ? [] : [attachedName(found)];
  });
  volumes.index(byDriver, ({ spec }) => (spec?.csi === undefined ? [] : [spec.csi.driver]));
  attachments.index(byVolume, ({ spec }) => (spec.source.persistentVolumeName ? [spec.source.persistentVolumeName] : []));
  attachments.index(byNode, ({ spec }) => [spec.nodeName]);
  return { pods, claims, volumes, attachments, nodes, drivers };
}

const volumePrefix = 'volume/';
const nodePrefix = 'node/';
const lonePrefix = 'attachment/';

function volumeKey(name: string): string {
  return `${volumePrefix}${name}`;
}

function nodeKey(name: string): string {
  return `${nodePrefix}${name}`;
}

/** Whose an attachment is. */
type Origin =
  /** Of a volume that is there. */
  | { readonly kind: 'volume'; readonly volume: DriverVolume }
  /** Of one that is not there any more; what it was is known as long as its node names it. */
  | { readonly kind: 'lone'; readonly volume: DriverVolume | undefined }
  /** Somebody else made it: it is nobody's business here. */
  | { readonly kind: 'foreign' };

class Attacher {
  readonly #settings: DetachSettings;
  readonly #context: ControllerContext;
  readonly #caches: Caches;
  /** By key, what no object tells. */
  readonly #memory = new Map<string, AttachmentMemory>();

  constructor(settings: DetachSettings, context: ControllerContext, caches: Caches) {
    this.#settings = settings;
    this.#context = context;
    this.#caches = caches;
  }

  async sync(key: string, round: Round, tell: (node: string) => void): Promise<number | undefined> {
    if (key.startsWith(nodePrefix)) {
      await this.#syncNode(key.slice(nodePrefix.length), round);
      return undefined;
    }
    if (key.startsWith(volumePrefix)) {
      const volume = parseAttachedName(key.slice(volumePrefix.length));
      return volume === undefined ? undefined : this.#syncVolume(key, volume, round, tell);
    }
    return this.#syncLone(key, round, tell);
  }

  /** The key of what an attachment belongs to; none where it is somebody else's. */
  keysOf(attachment: VolumeAttachment): string[] {
    const origin = this.#originOf(attachment);
    if (origin.kind === 'foreign') return [];
    return [origin.kind === 'volume' ? volumeKey(attachedName(origin.volume)) : `${lonePrefix}${nameOf(attachment)}`];
  }

  #originOf(attachment: VolumeAttachment): Origin {
    const { nodeName, source } = attachment.spec;
    const name = nameOf(attachment);
    const persistent = source.persistentVolumeName ?? '';
    if (persistent === '') return { kind: 'foreign' };
    const known = this.#caches.volumes.get({ name: persistent });
    if (known !== undefined) {
      const volume = driverVolumeOf(known);
      return volume !== undefined && attachmentName(volume, nodeName) === name
        ? { kind: 'volume', volume }
        : { kind: 'foreign' };
    }
    if (!isAttachmentName(name)) return { kind: 'foreign' };
    const { volumesAttached = [], volumesInUse = [] } = this.#caches.nodes.get({ name: nodeName })?.status ?? {};
    const named = [...volumesAttached.map((each) => each.name), ...volumesInUse].flatMap(
      (each) => parseAttachedName(each) ?? [],
    );
    return { kind: 'lone', volume: named.find((each) => attachmentName(each, nodeName) === name) };
  }

  #usersOf(volume: DriverVolume): Users[] {
    const { volumes, claims, pods } = this.#caches;
    const bindings = [...volumes.lookup(byAttachedName, attachedName(volume))].flatMap((each) =>
      referenceKeys(each).map((key) => ({
        volume: each,
        claim: claims.get(splitKey(key)),
        pods: [...pods.lookup(byClaim, key)],
      })),
    );
    return usersOf(bindings, (name) => this.#caches.nodes.get({ name }));
  }

  /** A driver that says nothing about itself attaches. */
  #isAttached({ driver }: DriverVolume): boolean {
    return this.#caches.drivers.get({ name: driver })?.spec.attachRequired !== false;
  }

  #attachmentsOf(volume: DriverVolume, users: readonly Users[]): VolumeAttachment[] {
    const { volumes, attachments } = this.#caches;
    const found = new Map<string, VolumeAttachment>();
    for (const each of volumes.lookup(byAttachedName, attachedName(volume))) {
      for (const attachment of attachments.lookup(byVolume, nameOf(each)))
        if (attachmentName(volume, attachment.spec.nodeName) === nameOf(attachment)) found.set(nameOf(attachment), attachment);
    }
    for (const { node } of users) {
      const attachment = attachments.get({ name: attachmentName(volume, node) });
      if (attachment !== undefined) found.set(nameOf(attachment), attachment);
    }
    return [...found.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  #syncVolume(key: string, volume: DriverVolume, round: Round, tell: (node: string) => void): Promise<number | undefined> {
    const users = this.#usersOf(volume);
    return this.#act(key, { volume, users, attachments: this.#attachmentsOf(volume, users) }, round, tell);
  }

  /** Nobody can use a volume that is gone. Only the apiserver may say that it is. */
  async #syncLone(key: string, round: Round, tell: (node: string) => void): Promise<number | undefined> {
    const attachment = this.#caches.attachments.get({ name: key.slice(lonePrefix.length) });
    const origin = attachment === undefined ? undefined : this.#originOf(attachment);
    if (attachment === undefined || origin?.kind !== 'lone') {
      this.#memory.delete(key);
      return undefined;
    }
    const name = attachment.spec.source.persistentVolumeName;
    const { items } = await round.client.list(persistentVolumes, { fieldSelector: `metadata.name=${name}` });
    // Where it is there, the cache shows it soon, and its own key is woken.
    if (items.length > 0) return undefined;
    return this.#act(key, { volume: origin.volume, users: [], attachments: [attachment] }, round, tell);
  }

  async #act(
    key: string,
    found: { volume: DriverVolume | undefined; users: readonly Users[]; attachments: readonly VolumeAttachment[] },
    round: Round,
    tell: (node: string) => void,
  ): Promise<number | undefined> {
    const { volume } = found;
    const attachRequired = volume !== undefined && this.#isAttached(volume);
    const view = { ...found, attachRequired, nodeOf: (name: string) => this.#caches.nodes.get({ name }) };
    const nowMs = this.#context.clock.monotonicMs();
    const plan = planAttachments(view, this.#memory.get(key) ?? new Map(), nowMs, this.#settings);
    if (plan.memory.size === 0) this.#memory.delete(key);
    else this.#memory.set(key, plan.memory);
    for (const node of plan.tell) tell(node);
    for (const step of plan.steps) await this.#do(step, volume, round);
    return plan.requeueAfterMs;
  }

  async #do({ action, why, unlessUsedOn, asker, forced }: Step, volume: DriverVolume | undefined, round: Round): Promise<void> {
    const { log } = this.#context;
    if (unlessUsedOn !== undefined && volume !== undefined) await checkUnused(attachedName(volume), unlessUsedOn, round);
    if (forced !== undefined) log.warn({ volume, why }, 'detaching by force what its node said it uses');
    else if (action.verb !== 'event') log.debug({ volume, why, verb: action.verb }, 'attachment');
    try {
      await round.execute([action]);
    } catch (error) {
      // Where it is there already, the cache is behind.
      const isTold = asker !== undefined && !hasReason(error, 'AlreadyExists') && !hasReason(error, 'Conflict');
      if (isTold) await round.execute(asker.pods.map((pod) => attachFailed(pod, asker.volume, errorText(error))));
      throw error;
    }
  }

  async #syncNode(name: string, round: Round): Promise<void> {
    const node = this.#caches.nodes.get({ name });
    if (node === undefined) return;
    const nowMs = this.#context.clock.monotonicMs();
    const attached = [...this.#caches.attachments.lookup(byNode, name)].flatMap((attachment) => {
      const origin = this.#originOf(attachment);
      if (origin.kind === 'foreign' || origin.volume === undefined) return [];
      const { volume } = origin;
      const users = this.#isAttached(volume) ? this.#usersOf(volume).find((each) => each.node === name) : undefined;
      const [key = ''] = this.keysOf(attachment);
      const sinceMs = this.#memory.get(key)?.get(name)?.unusedSinceMs ?? nowMs;
      return [{ volume, attachment, users, unusedMs: nowMs - sinceMs }];
    });
    await round.execute(planNodeStatus(node, attached, this.#settings));
  }
}

/** A cache may be behind the node: it may just have begun to use what nobody used. Throws reason Conflict then. */
async function checkUnused(volume: string, name: string, round: Round): Promise<void> {
  const node: Node | undefined = await readLive(round.client, nodeResource, { name });
  const { volumesInUse = [], volumesAttached = [] } = node?.status ?? {};
  if (volumesInUse.includes(volume) || volumesAttached.some((each) => each.name === volume))
    throw apiError('Conflict', `volume ${volume} is still in use on node ${name}`);
}
