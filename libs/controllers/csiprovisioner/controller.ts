// Drives claim-plan.ts and volume-plan.ts: volumes are made and deleted by the driver of this node. Claims and volumes have a queue each: a
// large volume takes long to delete, for which no claim waits.
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import { bindsForFirstConsumer, classOfClaim } from '@drydock/api/storage/classes.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { Driver, type Round } from '../common/driver.ts';
import { KeyBackoff } from '../common/key-backoff.ts';
import { readLive } from '../common/live-read.ts';
import { keyOf, nameOf, splitKey, uidOf } from '../common/object-meta.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { isFinal, type VolumeDriver } from '../common/volume-driver.ts';
import { bytesAsked, type ClaimPlan, planClaim, planFailure, volumeNameOf } from './claim-plan.ts';
import { persistentVolumeOf } from './made-volume.ts';
import { planVolume, sayFailed } from './volume-plan.ts';

export interface ProvisionerOptions {
  readonly driver: VolumeDriver;
  /** Of this provisioner, as volumes show it. */
  readonly identity: string;
  /** Spreads the nodes that want the same claim. */
  readonly random: RandomStream;
  /** Told when the driver has made or deleted something. */
  changed(): void;
}

/** --retry-interval-start and --retry-interval-max of upstream's. */
const backoff = { firstMs: 1_000, maxMs: 300_000 };
/** What the driver says that it will never do is asked again after so long, in case the class or the driver has changed. */
const lateMs = 300_000;
/** Nodes that want the same claim come one after the other, mostly. */
const spreadMs = 250;
/** A claim that no node could serve is looked at again, and so is a volume that should have gone. */
const anewMs = 15_000;

/** Starts the controller; it runs until the context's signal aborts. */
export async function startProvisioner(options: ProvisionerOptions, context: ControllerContext): Promise<void> {
  const claims = context.caches.of(persistentVolumeClaims);
  const volumes = context.caches.of(persistentVolumes);
  const classes = context.caches.of(storageClasses);
  const provisioner = new Provisioner(options, context, { claims, volumes });
  const ofClaims = new Driver(context, {
    name: 'csi-provisioner-claims',
    concurrency: 4,
    caches: [claims, volumes],
    waitFor: [classes],
    sync: (key, round) => provisioner.syncClaim(key, round, (name) => classes.get({ name })),
  });
  const ofVolumes = new Driver(context, {
    name: 'csi-provisioner-volumes',
    concurrency: 4,
    caches: [volumes],
    sync: (key, round) => provisioner.syncVolume(key, round),
  });
  claims.subscribe(({ before, after }) => {
    const claim = after ?? before;
    if (claim === undefined) return;
    if (after === undefined) provisioner.forget(claim);
    ofClaims.enqueue(keyOf(claim));
  });
  volumes.subscribe(({ before, after }) => {
    const volume = after ?? before;
    if (volume !== undefined) ofVolumes.enqueue(nameOf(volume));
  });
  classes.subscribe(({ before, after }) => {
    const name = nameOf(after ?? before ?? {});
    for (const claim of claims.list())
      if (classOfClaim(claim) === name && (claim.spec?.volumeName ?? '') === '') {
        provisioner.forget(claim);
        ofClaims.enqueue(keyOf(claim));
      }
  });
  await Promise.all([ofClaims.start(), ofVolumes.start()]);
}

type ClassOf = (name: string) => StorageClass | undefined;
type MakePlan = ClaimPlan & { readonly kind: 'make' };

interface Caches {
  readonly claims: Cache<PersistentVolumeClaim>;
  readonly volumes: Cache<PersistentVolume>;
}

class Provisioner {
  readonly #options: ProvisionerOptions;
  readonly #context: ControllerContext;
  readonly #caches: Caches;
  /** What the driver may have begun to make, by key: it is made to the end though its claim is gone, so that it can go too. */
  readonly #begun = new Map<string, { readonly claim: PersistentVolumeClaim; readonly plan: MakePlan }>();
  readonly #failed = new KeyBackoff(backoff);
  /** When a claim may be tried again, by uid; monotonic. */
  readonly #notBefore = new Map<string, number>();

  constructor(options: ProvisionerOptions, context: ControllerContext, caches: Caches) {
    this.#options = options;
    this.#context = context;
    this.#caches = caches;
  }

  /** Its class has changed: what was said of it may hold no longer. */
  forget(claim: PersistentVolumeClaim): void {
    this.#notBefore.delete(uidOf(claim));
    this.#failed.forget(uidOf(claim));
  }

  async syncClaim(key: string, round: Round, classOf: ClassOf): Promise<number | undefined> {
    const cached = this.#caches.claims.get(splitKey(key));
    const begun = this.#begun.get(key);
    if (begun !== undefined && uidOf(begun.claim) !== uidOf(cached ?? {}))
      return this.#end(key, begun.claim, begun.plan, round);
    if (cached === undefined) return undefined;
    const waitMs = this.#waitMs(cached);
    if (waitMs > 0) return waitMs;
    const plan = this.#planOf(cached, classOf);
    switch (plan.kind) {
      case 'none':
        return undefined;
      case 'claim':
        return this.#claim(cached, plan.action, round);
      case 'refused':
        await round.execute(plan.actions);
        return plan.isOver ? undefined : this.#delay(cached);
      case 'make':
        return this.#make(key, cached, plan, round);
    }
  }

  #planOf(claim: PersistentVolumeClaim, classOf: ClassOf): ClaimPlan {
    const { driver } = this.#options;
    return planClaim(claim, { storageClass: classOf(classOfClaim(claim)), isMade: this.#isMade(claim), driver });
  }

  #isMade(claim: PersistentVolumeClaim): boolean {
    return this.#caches.volumes.get({ name: volumeNameOf(claim) }) !== undefined;
  }

  /** Its claim is gone. It is asked for as it was, whatever has become of the class; whoever has the key now comes after it. */
  async #end(key: string, claim: PersistentVolumeClaim, plan: MakePlan, round: Round): Promise<number> {
    const waitMs = this.#waitMs(claim);
    if (waitMs > 0) return waitMs;
    if (!this.#isMade(claim)) {
      const againMs = await this.#make(key, claim, plan, round);
      if (this.#begun.has(key)) return againMs ?? 0;
    }
    this.#begun.delete(key);
    this.forget(claim);
    return 0;
  }

  /** The first round only begins to wait: another node may be faster. One that has no room leaves it to the others. */
  async #claim(claim: PersistentVolumeClaim, action: Action, round: Round): Promise<number | undefined> {
    const { driver, random } = this.#options;
    const nowMs = this.#context.clock.monotonicMs();
    const uid = uidOf(claim);
    if (!this.#notBefore.has(uid)) {
      const waitMs = random.int(spreadMs) + 1;
      this.#notBefore.set(uid, nowMs + waitMs);
      return waitMs;
    }
    const { available } = await driver.capacity({});
    if (available < bytesAsked(claim)) {
      this.#notBefore.set(uid, nowMs + anewMs);
      return anewMs;
    }
    this.#notBefore.delete(uid);
    await round.execute([action]);
    return undefined;
  }

  async #make(key: string, claim: PersistentVolumeClaim, plan: MakePlan, round: Round): Promise<number | undefined> {
    const { driver, identity, changed } = this.#options;
    round.record(plan.said);
    this.#begun.set(key, { claim, plan });
    const made = await driver.create(plan.volume).catch((error: Error) => error);
    if (made instanceof Error) {
      if (isFinal(made)) this.#begun.delete(key);
      return this.#fail(claim, plan, made, round);
    }
    changed();
    const volume = persistentVolumeOf(claim, plan.storageClass, plan.volume, made, { driver, identity });
    try {
      await round.create(persistentVolumes, volume);
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
    }
    this.#begun.delete(key);
    this.forget(claim);
    const message = `Successfully provisioned volume ${nameOf(volume)}`;
    round.record(eventAbout(persistentVolumeClaims, claim, 'Normal', 'ProvisioningSucceeded', message));
    return undefined;
  }

  async #fail(
    claim: PersistentVolumeClaim,
    { storageClass }: MakePlan,
    error: Error,
    round: Round,
  ): Promise<number | undefined> {
    const { actions, retry } = planFailure(claim, error);
    const nowMs = this.#context.clock.monotonicMs();
    // This node would be the first to choose itself again; a scheduler knows what it does.
    if (retry === 'never' && !bindsForFirstConsumer(storageClass)) this.#notBefore.set(uidOf(claim), nowMs + anewMs);
    await round.execute(actions);
    if (retry === 'never') return undefined;
    if (retry === 'soon') return this.#delay(claim);
    this.#notBefore.set(uidOf(claim), nowMs + lateMs);
    return lateMs;
  }

  #waitMs(claim: PersistentVolumeClaim): number {
    const nowMs = this.#context.clock.monotonicMs();
    return Math.max((this.#notBefore.get(uidOf(claim)) ?? 0) - nowMs, this.#failed.waitMs(uidOf(claim), nowMs), 0);
  }

  #delay(claim: PersistentVolumeClaim): number {
    const nowMs = this.#context.clock.monotonicMs();
    this.#failed.next(uidOf(claim), nowMs);
    return this.#failed.waitMs(uidOf(claim), nowMs);
  }

  async syncVolume(key: string, round: Round): Promise<number | undefined> {
    const cached = this.#caches.volumes.get({ name: key });
    const nowMs = this.#context.clock.monotonicMs();
    if (cached === undefined) {
      this.#failed.forget(key);
      return undefined;
    }
    const waitMs = this.#failed.waitMs(key, nowMs);
    if (waitMs > 0) return waitMs;
    const { driver, changed } = this.#options;
    if (planVolume(cached, driver).kind === 'none') return undefined;
    // What is deleted is what the apiserver has: a cache may lag behind a volume that was given to another claim.
    const volume = await readLive(round.client, persistentVolumes, { name: key });
    const plan = volume === undefined ? undefined : planVolume(volume, driver);
    if (volume === undefined || plan === undefined || plan.kind === 'none') return undefined;
    if (plan.kind === 'write') {
      await round.execute([plan.action]);
      return undefined;
    }
    const failed = await driver.delete(plan.handle).catch((error: Error) => error);
    if (failed instanceof Error) {
      round.record(sayFailed(volume, failed));
      this.#failed.next(key, nowMs);
      return this.#failed.waitMs(key, nowMs);
    }
    changed();
    this.#failed.forget(key);
    await round.execute([plan.after]);
    return anewMs;
  }
}
