// The other objects that a pod's specification names (pkg/api/v1/pod).
import type { PersistentVolume, Pod, PodSpec } from '@drydock/api/generated/types.ts';
import { ephemeralClaimName } from '@drydock/api/storage/pod-claims.ts';

function containersOf(spec: PodSpec) {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

export function secretsOf(spec: PodSpec): Set<string> {
  const names = new Set<string | undefined>();
  for (const pull of spec.imagePullSecrets ?? []) names.add(pull.name);
  for (const container of containersOf(spec)) {
    for (const env of container.env ?? []) names.add(env.valueFrom?.secretKeyRef?.name);
    for (const from of container.envFrom ?? []) names.add(from.secretRef?.name);
  }
  for (const volume of spec.volumes ?? []) {
    names.add(volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) names.add(source.secret?.name);
    names.add(volume.csi?.nodePublishSecretRef?.name);
    names.add(volume.cephfs?.secretRef?.name);
    names.add(volume.iscsi?.secretRef?.name);
    names.add(volume.rbd?.secretRef?.name);
    names.add(volume.azureFile?.secretName);
  }
  return defined(names);
}

/** Of a bound volume, as `namespace/name`: those that its node needs. Those for its controller are none of a node's business. */
export function secretsOfVolume(volume: PersistentVolume | undefined): Set<string> {
  const { csi, iscsi, flexVolume, claimRef } = volume?.spec ?? {};
  const refs = [
    csi?.nodeStageSecretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeExpandSecretRef,
    iscsi?.secretRef,
    flexVolume?.secretRef,
  ];
  const named = refs.flatMap((ref) => (ref?.name === undefined ? [] : [ref]));
  return new Set(named.map(({ namespace = claimRef?.namespace, name }) => `${namespace}/${name}`));
}

export function configMapsOf(spec: PodSpec): Set<string> {
  const names = new Set<string | undefined>();
  for (const container of containersOf(spec)) {
    for (const env of container.env ?? []) names.add(env.valueFrom?.configMapKeyRef?.name);
    for (const from of container.envFrom ?? []) names.add(from.configMapRef?.name);
  }
  for (const volume of spec.volumes ?? []) {
    names.add(volume.configMap?.name);
    for (const source of volume.projected?.sources ?? []) names.add(source.configMap?.name);
  }
  return defined(names);
}

export function claimsOf(spec: PodSpec): Set<string> {
  return defined(new Set((spec.volumes ?? []).map((volume) => volume.persistentVolumeClaim?.claimName)));
}

/** With the claims that are made for the pod's ephemeral volumes. */
export function allClaimsOf(pod: Pod): Set<string> {
  const { spec } = pod;
  const volumes = (spec?.volumes ?? []).filter(({ ephemeral }) => ephemeral !== undefined);
  return new Set([...(spec === undefined ? [] : claimsOf(spec)), ...volumes.map((volume) => ephemeralClaimName(pod, volume))]);
}

/** The ResourceClaims of a pod: those it names, and those made for it from templates. */
export function deviceClaimsOf({ spec, status }: Pod): Set<string> {
  const named = (spec?.resourceClaims ?? []).map(({ resourceClaimName }) => resourceClaimName);
  const made = (status?.resourceClaimStatuses ?? []).map(({ resourceClaimName }) => resourceClaimName);
  return defined(new Set([...named, ...made]));
}

function defined(names: Set<string | undefined>): Set<string> {
  names.delete(undefined);
  return names as Set<string>;
}
