// Drives claim-plan.ts and volume-plan.ts: claims and volumes find each other. Keys of claims have a namespace, keys of volumes none.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, pods as podResource, storageClasses } from '@drydock/api/resource.ts';
import { classOfClaim, classOfVolume, defaultClassOf } from '@drydock/api/storage/classes.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { Driver, type Round } from '../common/driver.ts';
import { byClaim, byClaimRef, indexByClaim, indexByClaimRef, referenceKeys } from '../common/indexes.ts';
import { KeyBackoff } from '../common/key-backoff.ts';
import { readLive } from '../common/live-read.ts';
import { keyOf, nameOf, namespaceOf, splitKey, uidOf } from '../common/object-meta.ts';
import { isPodTerminal } from '../common/pod.ts';
import { errorText } from '../common/pod-control.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { type ClaimSettings, planClaim } from './claim-plan.ts';
import { recycledBy, recyclerPod } from './recycler.ts';
import { failed, planVolume, type VolumeSettings, type VolumeView } from './volume-plan.ts';

export interface BinderOptions extends ClaimSettings, VolumeSettings {
  /** Removes the files of a volume where this program runs; fine where there are none. */
  removeFiles(path: string): Promise<void>;
}

/** After emptying a volume has failed (upstream's goroutinemap). */
const recycleBackoff = { firstMs: 500, maxMs: 122_000 };

const byClass = 'storage-class';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startVolumeBinder(options: BinderOptions, context: ControllerContext): Promise<void> {
  const claims = context.caches.of(persistentVolumeClaims);
  const volumes = context.caches.of(persistentVolumes);
  const pods = context.caches.of(podResource);
  const classes = context.caches.of(storageClasses);
  claims.index(byClass, (claim) => [classOfClaim(claim)]);
  volumes.index(byClass, (volume) => [classOfVolume(volume)]);
  indexByClaimRef(volumes);
  indexByClaim(pods);
  const binder = new Binder(options, context, { claims, volumes, pods });
  const driver = new Driver(context, {
    name: 'persistentvolume-binder-controller',
    concurrency: 1,
    caches: [claims, volumes, pods],
    waitFor: [classes],
    sync: (key, round) =>
      key.includes('/') ? syncClaim(key, round) : binder.sync(key, round, (claim) => driver.enqueue(claim)),
  });

  async function syncClaim(key: string, round: Round): Promise<number | undefined> {
    const claim = claims.get(splitKey(key));
    if (claim === undefined) return undefined;
    const named = claim.spec?.volumeName ?? '';
    const view = {
      named: named === '' ? undefined : volumes.get({ name: named }),
      volumes: () => new Set([...volumes.lookup(byClass, classOfClaim(claim)), ...volumes.lookup(byClaimRef, key)]),
      storageClass: (name: string) => classes.get({ name }),
      defaultClass: () => defaultClassOf(classes.list()),
      unscheduledPods: () =>
        [...pods.lookup(byClaim, key)].filter((pod) => !isPodTerminal(pod) && (pod.spec?.nodeName ?? '') === '').map(nameOf),
    };
    const plan = planClaim(claim, view, options);
    await round.execute(plan.actions);
    return plan.requeueAfterMs;
  }

  claims.subscribe(({ before, after }) => {
    for (const claim of [before, after]) {
      if (claim === undefined) continue;
      const key = keyOf(claim);
      if (claim === after) driver.enqueue(key);
      const named = claim.spec?.volumeName ?? '';
      if (named !== '') driver.enqueue(named);
      for (const volume of volumes.lookup(byClaimRef, key)) driver.enqueue(keyOf(volume));
    }
  });
  volumes.subscribe(({ before, after }) => {
    if (after !== undefined) driver.enqueue(keyOf(after));
    for (const volume of [before, after])
      for (const key of volume === undefined ? [] : referenceKeys(volume)) driver.enqueue(key);
    // A volume that is free now may be what a claim of its class waits for, or the one that a claim asks for by name.
    const isFree = after?.spec?.claimRef === undefined || before?.spec?.claimRef !== undefined;
    const volume = after ?? before;
    if (volume === undefined || !isFree) return;
    for (const claim of claims.lookup(byClass, classOfVolume(volume))) if (isWaiting(claim)) driver.enqueue(keyOf(claim));
  });
  classes.subscribe(({ before, after }) => {
    const name = nameOf(after ?? before ?? {});
    for (const key of [name, ''])
      for (const claim of claims.lookup(byClass, key)) if (isWaiting(claim)) driver.enqueue(keyOf(claim));
  });
  pods.subscribe(({ before, after }) => {
    const pod = after ?? before;
    const volume = pod === undefined ? undefined : recycledBy(pod);
    if (volume !== undefined) driver.enqueue(volume);
  });
  await driver.start();
}

function isWaiting(claim: PersistentVolumeClaim): boolean {
  return claim.status?.phase !== 'Bound';
}

interface Caches {
  readonly claims: Cache<PersistentVolumeClaim>;
  readonly volumes: Cache<PersistentVolume>;
  readonly pods: Cache<Pod>;
}

/** The volumes' half. */
class Binder {
  readonly #options: BinderOptions;
  readonly #context: ControllerContext;
  readonly #caches: Caches;
  readonly #recycling = new KeyBackoff(recycleBackoff);

  constructor(options: BinderOptions, context: ControllerContext, caches: Caches) {
    this.#options = options;
    this.#context = context;
    this.#caches = caches;
  }

  async sync(key: string, round: Round, wake: (claim: string) => void): Promise<number | undefined> {
    const cached = this.#caches.volumes.get({ name: key });
    if (cached === undefined) {
      this.#recycling.forget(key);
      return undefined;
    }
    let claim = await this.#claimOf(cached, round.client);
    const isReleased = cached.spec?.claimRef !== undefined && claim?.spec?.volumeName !== key;
    // What is reclaimed is what the apiserver has: a cache may lag behind a volume that has a new claim, which is then looked for.
    const volume = isReleased ? await readLive(round.client, persistentVolumes, { name: key }) : cached;
    if (volume === undefined) return undefined;
    if (volume.spec?.claimRef?.uid !== cached.spec?.claimRef?.uid) claim = await this.#claimOf(volume, round.client);
    const view = await this.#view(volume, claim);
    const nowMs = this.#context.clock.monotonicMs();
    const plan = planVolume(volume, view, this.#options, this.#recycling.waitMs(key, nowMs) === 0);
    if (plan.wake !== undefined) wake(plan.wake);
    if (plan.failed) this.#recycling.next(key, nowMs);
    for (const action of plan.actions) {
      if (action.verb === 'remove-files') await this.#removeFiles(volume, action.path, round);
      else await round.execute([action]);
    }
    return plan.requeueAfterMs && (this.#recycling.waitMs(key, nowMs) || plan.requeueAfterMs);
  }

  /** The claim with the uid that the volume says. Only the apiserver may say that there is none any more. */
  async #claimOf(volume: PersistentVolume, client: ApiClient): Promise<PersistentVolumeClaim | undefined> {
    const { namespace = '', name = '', uid = '' } = volume.spec?.claimRef ?? {};
    if (uid === '') return undefined;
    const cached = this.#caches.claims.get({ namespace, name });
    if (cached !== undefined && uidOf(cached) === uid) return cached;
    const live = await readLive(client, persistentVolumeClaims, { namespace, name });
    return live !== undefined && uidOf(live) === uid ? live : undefined;
  }

  async #view(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): Promise<VolumeView> {
    const { claims, pods } = this.#caches;
    const [key = ''] = referenceKeys(volume);
    const recycler = recyclerPod(volume, this.#options.recyclers);
    return {
      claim,
      isNameTaken: key !== '' && claims.get(splitKey(key)) !== undefined,
      users: [...pods.lookup(byClaim, key)].filter((pod) => !isPodTerminal(pod)).map(keyOf),
      recycler: recycler && pods.get({ namespace: namespaceOf(recycler), name: nameOf(recycler) }),
    };
  }

  async #removeFiles(volume: PersistentVolume, path: string, round: Round): Promise<void> {
    try {
      await this.#options.removeFiles(path);
    } catch (error) {
      await round.execute(failed(volume, 'VolumeFailedDelete', errorText(error)));
      throw error;
    }
  }
}
