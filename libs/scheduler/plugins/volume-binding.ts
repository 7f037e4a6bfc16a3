// VolumeBinding: a pod goes where its volumes are, or where there is one for each of its claims, or where one can be made.
// https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode ; upstream: pkg/scheduler/framework/plugins/volumebinding
import type { Node, PersistentVolumeClaim, StorageClass, TopologySelectorTerm } from '@drydock/api/generated/types.ts';
import { ownField } from '@drydock/api/json.ts';
import { amountOf } from '@drydock/api/pod-resources.ts';
import { compareQuantities } from '@drydock/api/quantity.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { bindCompletedAnnotation } from '@drydock/api/storage/annotations.ts';
import { bindsForFirstConsumer, classOfClaim } from '@drydock/api/storage/classes.ts';
import { FittingVolumes, isReachableFrom } from '@drydock/api/storage/match.ts';
import { isMadeFor, notMadeFor } from '@drydock/api/storage/pod-claims.ts';
import { storageIn } from '@drydock/api/storage/size.ts';
import type { ClusterEvent } from '../cluster-event.ts';
import type { Hopeless, NodeFilter, VolumePlugin } from '../framework.ts';
import type { PodInfo } from '../node-info.ts';
import { type ClaimChoice, claimsOfPod, type VolumesKnown } from '../volumes-known.ts';

const name = 'VolumeBinding';
const noVolume = "node(s) didn't find available persistent volumes to bind";
const elsewhere = "node(s) didn't match PersistentVolume's node affinity";
const noSpace = 'node(s) did not have enough free storage';
/** Upstream: bindTimeoutSeconds. */
export const defaultBindTimeoutMs = 600_000;
const gone = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';

/** The claims of one pod, by what is to be done about them. */
interface PodClaims {
  readonly bound: readonly PersistentVolumeClaim[];
  /** Not bound, and waiting for the pod; the smallest first. */
  readonly waiting: readonly WaitingClaim[];
}

interface WaitingClaim {
  readonly key: string;
  readonly claim: PersistentVolumeClaim;
  /** Volumes that it may have, as far as they are not thought of for others. */
  readonly fitting: FittingVolumes;
}

export class VolumeBinding implements VolumePlugin {
  readonly name = name;
  readonly bindTimeoutMs: number;
  readonly #known: VolumesKnown;
  /** What `begin` found, for the one pod whose cycle it is: pods that wait keep none of it. */
  #current: { readonly pod: PodInfo; readonly claims: PodClaims } | undefined;

  constructor(known: VolumesKnown, bindTimeoutMs = defaultBindTimeoutMs) {
    this.#known = known;
    this.bindTimeoutMs = bindTimeoutMs;
  }

  begin(pod: PodInfo): NodeFilter | Hopeless | undefined {
    const claims = this.#sort(pod);
    if (claims === undefined) return undefined;
    if (typeof claims === 'string') return { unschedulable: claims };
    this.#current = { pod, claims };
    return {
      filter: ({ node }) => {
        const found = this.#onNode(claims, node);
        return Array.isArray(found) ? undefined : { plugin: name, reasons: found.reasons, unresolvable: true };
      },
    };
  }

  helps(event: ClusterEvent, pod: PodInfo): boolean {
    switch (event.kind) {
      case 'claimChanged':
        return pod.claims.includes(event.key);
      case 'csiNodeChanged':
      case 'capacityChanged':
      case 'driverChanged':
      case 'volumeChanged':
      case 'storageClassChanged':
      case 'nodeAdded':
      case 'nodeLabels':
        return true;
      default:
        return false;
    }
  }

  /** What is to be done about the pod's claims before it is bound to the node; nobody else is given it meanwhile. */
  reserve(pod: PodInfo, node: Node): readonly ClaimChoice[] {
    const claims = this.#current?.pod === pod ? this.#current.claims : undefined;
    this.#current = undefined;
    if (claims === undefined || claims.waiting.length === 0) return [];
    const found = this.#onNode(claims, node);
    if (!Array.isArray(found)) return [];
    this.#known.reserve(pod.uid, found);
    return found;
  }

  /** The pod's claims; a sentence where no node can help; undefined where it has none. */
  #sort({ pod }: PodInfo): PodClaims | string | undefined {
    const used = claimsOfPod(pod);
    if (used.length === 0) return undefined;
    const bound: PersistentVolumeClaim[] = [];
    const waiting: WaitingClaim[] = [];
    let isEarly = false;
    for (const { key, name: claimName, isEphemeral } of used) {
      const quoted = JSON.stringify(claimName);
      const claim = this.#known.claim(key);
      if (claim === undefined && isEphemeral)
        return `waiting for ephemeral volume controller to create the persistentvolumeclaim ${quoted}`;
      if (claim === undefined) return `persistentvolumeclaim ${quoted} not found`;
      if (claim.status?.phase === 'Lost')
        return `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${JSON.stringify(claim.spec?.volumeName ?? '')}`;
      if (claim.metadata?.deletionTimestamp !== undefined) return `persistentvolumeclaim ${quoted} is being deleted`;
      if (isEphemeral && !isMadeFor(claim, pod)) return notMadeFor(pod, claimName);
      if (isBound(claim)) bound.push(claim);
      else if ((claim.spec?.volumeName ?? '') === '' && bindsForFirstConsumer(this.#known.storageClass(classOfClaim(claim))))
        waiting.push({ key, claim, fitting: this.#fittingFor(key, claim) });
      else isEarly = true;
    }
    if (isEarly) return 'pod has unbound immediate PersistentVolumeClaims';
    return { bound, waiting: waiting.sort((a, b) => compareQuantities(requestOf(a.claim), requestOf(b.claim))) };
  }

  #fittingFor(key: string, claim: PersistentVolumeClaim): FittingVolumes {
    const taken = this.#known.takenFromOthers(key);
    const volumes = this.#known.volumesOf(classOfClaim(claim));
    return new FittingVolumes(
      claim,
      volumes.filter(({ metadata }) => !taken.has(metadata?.name ?? '')),
    );
  }

  /** A choice for each waiting claim, or why the node is none. */
  #onNode({ bound, waiting }: PodClaims, node: Node): ClaimChoice[] | { readonly reasons: readonly string[] } {
    for (const claim of bound) {
      const volume = this.#known.volume(claim.spec?.volumeName ?? '');
      if (volume === undefined) return { reasons: [gone] };
      if (!isReachableFrom(node, volume)) return { reasons: [elsewhere] };
    }
    const choices: ClaimChoice[] = [];
    const mine = new Set<string>();
    for (const each of waiting) {
      const choice = this.#choose(each, node, mine);
      if (typeof choice === 'string') return { reasons: [choice] };
      if ('volume' in choice) mine.add(choice.volume);
      choices.push(choice);
    }
    return choices;
  }

  /** The reason where there is nothing to choose. */
  #choose({ key, claim, fitting }: WaitingClaim, node: Node, mine: ReadonlySet<string>): ClaimChoice | string {
    const decided = this.#known.choiceFor(key);
    if (decided !== undefined && 'node' in decided) return decided.node === node.metadata?.name ? decided : noVolume;
    if (decided !== undefined) {
      const volume = this.#known.volume(decided.volume);
      return volume !== undefined && isReachableFrom(node, volume) ? decided : noVolume;
    }
    const volume = fitting.bestFor(node, mine);
    if (volume !== undefined) return { claim: key, volume: volume.metadata?.name ?? '' };
    const storageClass = this.#known.storageClass(classOfClaim(claim));
    if (storageClass === undefined || !canProvision(storageClass, node)) return noVolume;
    return this.#hasCapacity(claim, storageClass, node) ? { claim: key, node: node.metadata?.name ?? '' } : noSpace;
  }

  /** Whether the driver has room for the volume near the node, as far as it says. */
  #hasCapacity(claim: PersistentVolumeClaim, { metadata, provisioner }: StorageClass, { metadata: node }: Node): boolean {
    const size = claim.spec?.resources?.requests?.['storage'];
    if (size === undefined || this.#known.driver(provisioner)?.spec.storageCapacity !== true) return true;
    for (const { nodeTopology, capacity, maximumVolumeSize } of this.#known.capacitiesOf(metadata?.name ?? '')) {
      const largest = maximumVolumeSize ?? capacity;
      if (largest === undefined || amountOf('storage', largest) < amountOf('storage', size)) continue;
      if (matchesSelector(nodeTopology, node?.labels ?? {})) return true;
    }
    return false;
  }
}

/** Whether the claim has its volume and the controller has said so. */
export function isBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return (spec?.volumeName ?? '') !== '' && metadata?.annotations?.[bindCompletedAnnotation] !== undefined;
}

function requestOf({ spec }: PersistentVolumeClaim) {
  return storageIn(spec?.resources?.requests);
}

/** Whether the class makes volumes, and for that node. */
function canProvision(storageClass: StorageClass, node: Node): boolean {
  if (storageClass.provisioner === 'kubernetes.io/no-provisioner') return false;
  const topologies = storageClass.allowedTopologies ?? [];
  return topologies.length === 0 || topologies.some((term) => matchesTopology(term, node));
}

function matchesTopology({ matchLabelExpressions = [] }: TopologySelectorTerm, { metadata }: Node): boolean {
  return matchLabelExpressions.every(({ key, values }) => {
    const value = ownField(metadata?.labels, key);
    return value !== undefined && values.includes(value);
  });
}
