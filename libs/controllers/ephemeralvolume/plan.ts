// The claims of a pod's ephemeral volumes: made from their templates, and the pod's own, so that they go with it. Pure; follows
// upstream's pkg/controller/volume/ephemeral.
import type { PersistentVolumeClaim, Pod, Volume } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, pods } from '@drydock/api/resource.ts';
import { ephemeralClaimName, isMadeFor, notMadeFor } from '@drydock/api/storage/pod-claims.ts';
import { type Action, controllerReference, eventAbout } from '../common/action.ts';
import { isBeingDeleted, namespaceOf } from '../common/object-meta.ts';

/** What is to be made, and what is in the way: somebody else's claim of that name. */
export interface EphemeralPlan {
  readonly create: readonly { readonly volume: string; readonly claim: PersistentVolumeClaim }[];
  readonly foreign: readonly { readonly volume: string; readonly why: string }[];
}

/** @param find a claim of the pod's namespace. */
export function planEphemeralVolumes(pod: Pod, find: (name: string) => PersistentVolumeClaim | undefined): EphemeralPlan {
  const create: { volume: string; claim: PersistentVolumeClaim }[] = [];
  const foreign: { volume: string; why: string }[] = [];
  for (const volume of isBeingDeleted(pod) ? [] : ephemeralVolumes(pod)) {
    const name = ephemeralClaimName(pod, volume);
    const claim = find(name);
    if (claim === undefined) create.push({ volume: volume.name, claim: claimFor(pod, volume) });
    else if (!isMadeFor(claim, pod)) foreign.push({ volume: volume.name, why: notMadeFor(pod, name) });
  }
  return { create, foreign };
}

export function ephemeralVolumes({ spec }: Pod): Volume[] {
  return (spec?.volumes ?? []).filter(({ ephemeral }) => ephemeral !== undefined);
}

/** What stands in the way of one of them is said about the pod. */
export function sayProblem(pod: Pod, volume: string, why: string): Action {
  return eventAbout(pods, pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume}: ${why}`);
}

function claimFor(pod: Pod, volume: Volume): PersistentVolumeClaim {
  const { metadata: { labels, annotations } = {}, spec } = volume.ephemeral?.volumeClaimTemplate ?? {};
  return {
    apiVersion: 'v1',
    kind: persistentVolumeClaims.kind,
    metadata: {
      namespace: namespaceOf(pod),
      name: ephemeralClaimName(pod, volume),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference(pods, pod)],
    },
    ...(spec === undefined ? {} : { spec }),
  };
}
