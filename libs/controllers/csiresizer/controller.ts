// Drives plan.ts: bound claims on volumes of this node's driver that ask for more.
import type { PersistentVolume, PersistentVolumeClaim } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { Driver, type Round } from '../common/driver.ts';
import { KeyBackoff } from '../common/key-backoff.ts';
import { keyOf, splitKey } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import type { VolumeDriver } from '../common/volume-driver.ts';
import { isHere } from '../csiprovisioner/volume-plan.ts';
import { planDone, planFailure, planResize } from './plan.ts';

export interface ResizerOptions {
  readonly driver: VolumeDriver;
  /** Told when a volume has been made larger. */
  changed(): void;
}

/** --retry-interval-start and --retry-interval-max of upstream's. */
const backoff = { firstMs: 1_000, maxMs: 300_000 };
/** What the driver says that it will never do is asked again after so long (slowset). */
const infeasibleMs = 300_000;

/** Starts the controller; it runs until the context's signal aborts. */
export async function startResizer(options: ResizerOptions, context: ControllerContext): Promise<void> {
  const claims = context.caches.of(persistentVolumeClaims);
  const volumes = context.caches.of(persistentVolumes);
  const resizer = new Resizer(options, context);
  const driver = new Driver(context, {
    name: 'csi-resizer',
    concurrency: 2,
    caches: [claims, volumes],
    async sync(key, round) {
      const claim = claims.get(splitKey(key));
      if (claim !== undefined) return resizer.sync(key, claim, volumes.get({ name: claim.spec?.volumeName ?? '' }), round);
      resizer.forget(key);
      return undefined;
    },
  });
  claims.subscribe(({ before, after }) => {
    const claim = after ?? before;
    if (claim !== undefined) driver.enqueue(keyOf(claim));
  });
  volumes.subscribe(({ after }) => {
    const { namespace, name } = after?.spec?.claimRef ?? {};
    if (name !== undefined) driver.enqueue(`${namespace}/${name}`);
  });
  await driver.start();
}

class Resizer {
  readonly #options: ResizerOptions;
  readonly #context: ControllerContext;
  readonly #failed = new KeyBackoff(backoff);
  /** Claims whose last size has failed for good, by key. */
  readonly #final = new Set<string>();
  /** Until when a size is not asked for again, by key; monotonic. */
  readonly #slow = new Map<string, { readonly size: string; readonly untilMs: number }>();

  constructor(options: ResizerOptions, context: ControllerContext) {
    this.#options = options;
    this.#context = context;
  }

  forget(key: string): void {
    this.#failed.forget(key);
    this.#final.delete(key);
    this.#slow.delete(key);
  }

  async sync(
    key: string,
    claim: PersistentVolumeClaim,
    volume: PersistentVolume | undefined,
    round: Round,
  ): Promise<number | undefined> {
    const { driver, changed } = this.#options;
    if (volume?.spec?.csi?.driver !== driver.name || !isHere(volume, driver.topology)) return undefined;
    const nowMs = this.#context.clock.monotonicMs();
    const now = formatTime(round.wallMs());
    const plan = planResize(claim, volume, this.#final.has(key), now);
    if (plan.kind === 'none') return undefined;
    if (plan.kind === 'mark') {
      await round.execute([plan.action]);
      // Its own write wakes the key when the cache shows it; it is said here too, for a cache that shows nothing new.
      return 0;
    }
    const waitMs = this.#waitMs(key, plan.size.toString(), nowMs);
    if (waitMs > 0) return waitMs;
    round.record(plan.said);
    const grown = await driver.expand(volume.spec.csi.volumeHandle, Number(plan.size.value())).catch((error: Error) => error);
    if (typeof grown === 'number') {
      changed();
      await round.execute(planDone(claim, volume, grown));
      this.forget(key);
      return undefined;
    }
    const failure = planFailure(claim, volume, grown, driver.name, now);
    if (failure.isFinal) this.#final.add(key);
    else this.#final.delete(key);
    if (failure.isInfeasible) this.#slow.set(key, { size: plan.size.toString(), untilMs: nowMs + infeasibleMs });
    else this.#slow.delete(key);
    this.#failed.next(key, nowMs);
    await round.execute(failure.actions);
    return this.#waitMs(key, plan.size.toString(), nowMs);
  }

  #waitMs(key: string, size: string, nowMs: number): number {
    const slow = this.#slow.get(key);
    const slowMs = slow !== undefined && slow.size === size ? slow.untilMs - nowMs : 0;
    return Math.max(slowMs, this.#failed.waitMs(key, nowMs), 0);
  }
}
