// Which volume fits which claim, for the controller that binds and the scheduler that does so for one node. Pure; follows
// upstream's component-helpers/storage/volume and pkg/controller/volume/persistentvolume/index.go.
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../generated/types.ts';
import { compareQuantities } from '../quantity.ts';
import { matchesSelector } from '../selectors/label-selector.ts';
import { matchesTerm } from '../selectors/node-selector.ts';
import { classOfClaim, classOfVolume } from './classes.ts';
import { storageIn } from './size.ts';

/** Whether the volume points at the claim: at this very one, or at any of its name. */
export function isBoundTo({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const reference = spec?.claimRef;
  if (reference === undefined || reference.name !== metadata?.name || reference.namespace !== metadata?.namespace) return false;
  return (reference.uid ?? '') === '' || reference.uid === metadata?.uid;
}

/** Whether one wants a file system and the other is a block device. */
export function differInMode({ spec: claim }: PersistentVolumeClaim, { spec: volume }: PersistentVolume): boolean {
  return (claim?.volumeMode ?? 'Filesystem') !== (volume?.volumeMode ?? 'Filesystem');
}

function offersModes({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec?.accessModes ?? []).every((mode) => spec?.accessModes?.includes(mode));
}

function isLargeEnough({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return compareQuantities(storageIn(spec?.capacity), storageIn(claim.spec?.resources?.requests)) >= 0;
}

function isOfSameAttributes({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (spec?.volumeAttributesClassName ?? '') === (claim.spec?.volumeAttributesClassName ?? '');
}

/** Why the volume that the claim asks for by name cannot be its own; undefined where it can. */
export function whyUnfit(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  const { name, deletionTimestamp } = volume.metadata ?? {};
  if (deletionTimestamp !== undefined) return `the volume is marked for deletion ${JSON.stringify(name)}`;
  if (!isLargeEnough(volume, claim)) return 'requested PV is too small';
  if (classOfVolume(volume) !== classOfClaim(claim)) return 'storageClassName does not match';
  if (!isOfSameAttributes(volume, claim)) return 'volumeAttributesClassName does not match';
  if (differInMode(claim, volume)) return 'incompatible volumeMode';
  if (!offersModes(volume, claim)) return 'incompatible accessMode';
  return undefined;
}

/** Whether pods on the node can use the volume. */
export function isReachableFrom(node: Node, { spec }: PersistentVolume): boolean {
  const required = spec?.nodeAffinity?.required;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** Who looks for a volume. */
export type Seeker =
  /** For no node in particular. Where `delayed`, only what points at the claim already: the rest is the scheduler's. */
  | { readonly kind: 'controller'; readonly delayed: boolean }
  /** For one node, without the volumes that are thought of for other claims of the pod. */
  | { readonly kind: 'scheduler'; readonly node: Node; readonly taken: ReadonlySet<string> };

/** Whether a volume fits a claim whatever node is meant, and whether it points at the claim already. */
function fitOf(volume: PersistentVolume, claim: PersistentVolumeClaim): 'no' | 'bound' | 'available' {
  const isBound = isBoundTo(volume, claim);
  if (volume.spec?.claimRef !== undefined && !isBound) return 'no';
  if (!isLargeEnough(volume, claim) || differInMode(claim, volume) || !isOfSameAttributes(volume, claim)) return 'no';
  if (volume.metadata?.deletionTimestamp !== undefined) return 'no';
  if (isBound) return 'bound';
  const { selector } = claim.spec ?? {};
  if (volume.status?.phase !== 'Available' || classOfVolume(volume) !== classOfClaim(claim)) return 'no';
  return selector === undefined || matchesSelector(selector, volume.metadata?.labels) ? 'available' : 'no';
}

/** The one that points at the claim, else the smallest that fits, of equals the first. */
function bestOf(claim: PersistentVolumeClaim, volumes: Iterable<PersistentVolume>, seeker: Seeker) {
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (seeker.kind === 'scheduler' && seeker.taken.has(volume.metadata?.name ?? '')) continue;
    const fit = fitOf(volume, claim);
    if (fit === 'no') continue;
    const isReachable = seeker.kind === 'controller' || isReachableFrom(seeker.node, volume);
    if (fit === 'bound') return isReachable ? volume : undefined;
    if (!isReachable || (seeker.kind === 'controller' && seeker.delayed) || !offersModes(volume, claim)) continue;
    if (best === undefined || compareQuantities(storageIn(volume.spec?.capacity), storageIn(best.spec?.capacity)) < 0)
      best = volume;
  }
  return best;
}

/**
 * The volume that the claim is to have; undefined where none fits. The controller looks among those with the fewest access modes
 * first, upstream's quirk included that one with few modes is preferred to one that points at the claim and has more.
 */
export function bestVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  seeker: Seeker,
): PersistentVolume | undefined {
  if (seeker.kind === 'scheduler') return bestOf(claim, volumes, seeker);
  const byModes = new Map<number, PersistentVolume[]>();
  for (const volume of volumes) {
    if (!offersModes(volume, claim)) continue;
    const count = new Set(volume.spec?.accessModes).size;
    const group = byModes.get(count);
    if (group === undefined) byModes.set(count, [volume]);
    else group.push(volume);
  }
  for (const count of [...byModes.keys()].sort((a, b) => a - b)) {
    const found = bestOf(claim, byModes.get(count) ?? [], seeker);
    if (found !== undefined) return found;
  }
  return undefined;
}
