// Before a pod is bound: its claims get the volumes that were chosen, or are marked for the node on which one is to be made; then
// the controller that binds, and the provisioner, have their turn. Upstream: volumebinding's PreBind.
import type { PersistentVolume, PersistentVolumeClaim } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes } from '@drydock/api/resource.ts';
import { boundByControllerAnnotation, selectedNodeAnnotation } from '@drydock/api/storage/annotations.ts';
import { isBoundTo } from '@drydock/api/storage/match.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { referenceTo } from '@drydock/client/events.ts';
import { splitKey } from '@drydock/client/object-store.ts';
import { atLeast } from '@drydock/client/resource-version.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { isBound } from './plugins/volume-binding.ts';
import type { ClaimChoice } from './volumes-known.ts';

/** How often what is known of the claims is looked at. */
const pollMs = 250;

export interface BoundPorts {
  readonly clock: Clock;
  /** How long they may take at most. */
  readonly timeoutMs: number;
  /** The claim as the watch has it. */
  claim(key: string): PersistentVolumeClaim | undefined;
  /** Whether the pod is still to be bound. */
  isWanted(): boolean;
}

/** By claim, the version in which it was marked. */
export type Marked = ReadonlyMap<string, string>;

/** Writes what was chosen. Throws where another was faster, or ApiError. */
export async function writeChoices(choices: readonly ClaimChoice[], client: ApiClient): Promise<Marked> {
  const marked = new Map<string, string>();
  for (const choice of choices) {
    const claim = await client.get<PersistentVolumeClaim>(persistentVolumeClaims, splitKey(choice.claim));
    if ('volume' in choice) await give(client, choice.volume, claim);
    else marked.set(choice.claim, (await mark(client, claim, choice.node)).metadata?.resourceVersion ?? '');
  }
  return marked;
}

async function give(client: ApiClient, name: string, claim: PersistentVolumeClaim): Promise<void> {
  const volume = await client.get<PersistentVolume>(persistentVolumes, { name });
  const { claimRef } = volume.spec ?? {};
  if (claimRef?.uid !== undefined && claimRef.uid === claim.metadata?.uid) return;
  if (claimRef !== undefined && !isBoundTo(volume, claim))
    throw new Error(`pv ${JSON.stringify(name)} is bound to another claim`);
  const marks = claimRef === undefined ? { [boundByControllerAnnotation]: 'yes' } : {};
  await client.update<PersistentVolume>(persistentVolumes, {
    ...volume,
    metadata: { ...volume.metadata, annotations: { ...volume.metadata?.annotations, ...marks } },
    spec: { ...volume.spec, claimRef: referenceTo(persistentVolumeClaims, claim) },
  });
}

async function mark(client: ApiClient, claim: PersistentVolumeClaim, node: string): Promise<PersistentVolumeClaim> {
  const { metadata } = claim;
  const selected = metadata?.annotations?.[selectedNodeAnnotation];
  if (selected === node || isBound(claim)) return claim;
  if (selected !== undefined) throw new Error(`claim ${JSON.stringify(metadata?.name)} is to have its volume on ${selected}`);
  const annotations = { ...metadata?.annotations, [selectedNodeAnnotation]: node };
  return client.update<PersistentVolumeClaim>(persistentVolumeClaims, { ...claim, metadata: { ...metadata, annotations } });
}

/** Resolves once all are bound. Throws where the provisioner gave up, a claim or the pod is gone, or it takes too long. */
export async function untilBound(
  choices: readonly ClaimChoice[],
  marked: Marked,
  { clock, timeoutMs, claim, isWanted }: BoundPorts,
): Promise<void> {
  const endMs = clock.monotonicMs() + timeoutMs;
  while (isWanted()) {
    if (choices.every((choice) => isDone(choice, claim(choice.claim), marked))) return;
    if (clock.monotonicMs() >= endMs) throw new Error('timed out waiting for the condition');
    await clock.sleep(pollMs);
  }
  throw new Error('pod does not exist any more');
}

function isDone(choice: ClaimChoice, claim: PersistentVolumeClaim | undefined, marked: Marked): boolean {
  const { name } = splitKey(choice.claim);
  if (claim === undefined) throw new Error(`persistentvolumeclaim ${JSON.stringify(name)} not found`);
  if (isBound(claim)) return true;
  if (!('node' in choice) || !atLeast(claim.metadata?.resourceVersion, marked.get(choice.claim) ?? '')) return false;
  // The provisioner takes the mark away where it cannot make a volume on that node: another is to be chosen.
  if (claim.metadata?.annotations?.[selectedNodeAnnotation] !== choice.node)
    throw new Error(`provisioning failed for PVC ${JSON.stringify(name)}`);
  return false;
}
