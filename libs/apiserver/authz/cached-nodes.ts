// What the node authorizer looks up, from the watch caches.
import type { PersistentVolume, PersistentVolumeClaim, Pod, ResourceSlice } from '@drydock/api/generated/types.ts';
import {
  type KubeObject,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  resourceSlices,
} from '@drydock/api/resource.ts';
import type { Caches } from '../registry/caches.ts';
import type { NodeReader } from './node.ts';
import { secretsOfVolume } from './pod-references.ts';

type Attachment = KubeObject & { readonly spec?: { readonly nodeName?: string } };

const volumeAttachments: Resource<Attachment> = {
  group: 'storage.k8s.io',
  version: 'v1',
  resource: 'volumeattachments',
  kind: 'VolumeAttachment',
  namespaced: false,
};

/** The resources whose caches it reads. */
export const nodeReaderResources: readonly Resource[] = [
  pods,
  persistentVolumeClaims,
  persistentVolumes,
  resourceSlices,
  volumeAttachments,
];

export function cachedNodes(caches: Caches): NodeReader {
  return {
    *podsOnNode(node) {
      for (const pod of caches.list<Pod>(pods)) if (pod.spec?.nodeName === node) yield pod;
    },
    nodeOfPod: (namespace, name) => caches.peek<Pod>(pods, namespace, name)?.spec?.nodeName,
    nodeOfSlice: (name) => caches.peek<ResourceSlice>(resourceSlices, '', name)?.spec?.nodeName,
    nodeOfAttachment: (name) => caches.peek<Attachment>(volumeAttachments, '', name)?.spec?.nodeName,
    volumeOfClaim: (namespace, name) =>
      caches.peek<PersistentVolumeClaim>(persistentVolumeClaims, namespace, name)?.spec?.volumeName,
    secretsOfVolume: (name) => secretsOfVolume(caches.peek<PersistentVolume>(persistentVolumes, '', name)),
  };
}
