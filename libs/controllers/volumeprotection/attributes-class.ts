// A VolumeAttributesClass that is being deleted goes no sooner than no claim and no volume names it (upstream's
// pkg/controller/volume/vacprotection).
import type { PersistentVolume, PersistentVolumeClaim } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, volumeAttributesClasses } from '@drydock/api/resource.ts';
import { Driver, type Round } from '../common/driver.ts';
import { nameOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { protect, protectionOf } from './plan.ts';

const finalizer = 'kubernetes.io/vac-protection';
const byClass = 'attributes-class';

/** The classes that a claim has, had, or is getting. */
export function classesOfClaim({ spec, status }: PersistentVolumeClaim): string[] {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.flatMap((name) => (name ? [name] : [])))];
}

function classesOfVolume({ spec }: PersistentVolume): string[] {
  return spec?.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [];
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startAttributesClassProtection(context: ControllerContext): Promise<void> {
  const classes = context.caches.of(volumeAttributesClasses);
  const claims = context.caches.of(persistentVolumeClaims);
  const volumes = context.caches.of(persistentVolumes);
  claims.index(byClass, classesOfClaim);
  volumes.index(byClass, classesOfVolume);
  const isKnownAsUsed = (name: string) => [...claims.lookup(byClass, name), ...volumes.lookup(byClass, name)].length > 0;
  const driver = new Driver(context, {
    name: 'volumeattributesclass-protection-controller',
    concurrency: 1,
    caches: [classes],
    waitFor: [claims, volumes],
    async sync(name, round) {
      const found = classes.get({ name });
      const protection = found && protectionOf(found, finalizer);
      if (found === undefined || protection === undefined) return undefined;
      if (protection === 'remove' && (isKnownAsUsed(name) || (await isUsed(name, round)))) return undefined;
      await round.execute([protect(volumeAttributesClasses, found, finalizer, protection)]);
      return undefined;
    },
  });
  classes.subscribe(({ after }) => {
    if (after !== undefined && protectionOf(after, finalizer) !== undefined) driver.enqueue(nameOf(after));
  });
  const left = (before: readonly string[], after: readonly string[]): void => {
    for (const name of before) if (!after.includes(name)) driver.enqueue(name);
  };
  claims.subscribe(({ before, after }) => left(before ? classesOfClaim(before) : [], after ? classesOfClaim(after) : []));
  volumes.subscribe(({ before, after }) => left(before ? classesOfVolume(before) : [], after ? classesOfVolume(after) : []));
  await driver.start();
}

/** The caches may say yes; only the apiserver may say no, for a claim may just have been made. */
async function isUsed(name: string, { client }: Round): Promise<boolean> {
  const claims = await client.list(persistentVolumeClaims);
  if (claims.items.some((claim) => classesOfClaim(claim).includes(name))) return true;
  const volumes = await client.list(persistentVolumes);
  return volumes.items.some((volume) => classesOfVolume(volume).includes(name));
}
