// Which volume fits which claim, for the controller that binds and the scheduler that does so for one node. Pure; follows
// upstream's component-helpers/storage/volume and pkg/controller/volume/persistentvolume/index.go.
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../generated/types.ts';
import { compareQuantities, type Quantity } from '../quantity.ts';
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

function sizeOf({ spec }: PersistentVolume): Quantity {
  return storageIn(spec?.capacity);
}

/**
 * The one that points at the claim, else the smallest that fits, of equals the first. Where `delayed`, only what points at the claim: the
 * rest is the scheduler's.
 */
function bestOf(claim: PersistentVolumeClaim, volumes: Iterable<PersistentVolume>, delayed: boolean) {
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    const fit = fitOf(volume, claim);
    if (fit === 'bound') return volume;
    if (fit === 'no' || delayed || !offersModes(volume, claim)) continue;
    if (best === undefined || compareQuantities(sizeOf(volume), sizeOf(best)) < 0) best = volume;
  }
  return best;
}

/**
 * The volume that the controller gives the claim, for no node in particular; undefined where none fits. It looks among those with the
 * fewest access modes first, upstream's quirk included that one with few modes is preferred to one that points at the claim and has more.
 */
export function bestVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  delayed: boolean,
): PersistentVolume | undefined {
  const byModes = new Map<number, PersistentVolume[]>();
  for (const volume of volumes) {
    if (!offersModes(volume, claim)) continue;
    const count = new Set(volume.spec?.accessModes).size;
    const group = byModes.get(count);
    if (group === undefined) byModes.set(count, [volume]);
    else group.push(volume);
  }
  for (const count of [...byModes.keys()].sort((a, b) => a - b)) {
    const found = bestOf(claim, byModes.get(count) ?? [], delayed);
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Fitting {
  readonly volume: PersistentVolume;
  /** Its place among all: the smallest first. */
  readonly place: number;
}

const hostname = 'kubernetes.io/hostname';

/**
 * What fits a claim, whatever node is meant: looked for once, then asked about for one node after the other. Volumes of one host are
 * found by its name: a cluster has as many of them as hosts, and more.
 */
export class FittingVolumes {
  readonly #bound: PersistentVolume[] = [];
  readonly #byHost = new Map<string, Fitting[]>();
  readonly #anywhere: Fitting[] = [];

  constructor(claim: PersistentVolumeClaim, volumes: Iterable<PersistentVolume>) {
    const available: { readonly volume: PersistentVolume; readonly size: Quantity }[] = [];
    for (const volume of volumes) {
      const fit = fitOf(volume, claim);
      if (fit === 'bound') this.#bound.push(volume);
      else if (fit === 'available' && offersModes(volume, claim)) available.push({ volume, size: sizeOf(volume) });
    }
    available.sort((a, b) => compareQuantities(a.size, b.size));
    for (const [place, { volume }] of available.entries()) this.#keep({ volume, place });
  }

  /** The one that points at the claim, or none where that is out of the node's reach; else the smallest, of equals the first. */
  bestFor(node: Node, taken: ReadonlySet<string>): PersistentVolume | undefined {
    const isFree = ({ metadata }: PersistentVolume) => !taken.has(metadata?.name ?? '');
    const own = this.#bound.find(isFree);
    if (own !== undefined) return isReachableFrom(node, own) ? own : undefined;
    const first = (list: readonly Fitting[]) => list.find(({ volume }) => isFree(volume) && isReachableFrom(node, volume));
    const here = first(this.#byHost.get(node.metadata?.labels?.[hostname] ?? '') ?? []);
    const anywhere = first(this.#anywhere);
    if (here === undefined || anywhere === undefined) return (here ?? anywhere)?.volume;
    return (here.place < anywhere.place ? here : anywhere).volume;
  }

  #keep(fitting: Fitting): void {
    const hosts = hostsOf(fitting.volume);
    if (hosts === undefined) this.#anywhere.push(fitting);
    for (const host of hosts ?? []) {
      const list = this.#byHost.get(host);
      if (list === undefined) this.#byHost.set(host, [fitting]);
      else list.push(fitting);
    }
  }
}

/** The only hosts from which the volume can be reached, where it names them; undefined where some alternative does not. */
function hostsOf({ spec }: PersistentVolume): ReadonlySet<string> | undefined {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  if (terms === undefined) return undefined;
  const hosts = new Set<string>();
  for (const { matchExpressions = [] } of terms) {
    const named = matchExpressions.find(({ key, operator }) => key === hostname && operator === 'In');
    if (named === undefined) return undefined;
    for (const host of named.values ?? []) hosts.add(host);
  }
  return hosts;
}
