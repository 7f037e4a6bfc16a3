// What happens in the cluster that may make a pod schedulable that was not.
import type { CSINode, Node, PersistentVolumeClaim } from '@drydock/api/generated/types.ts';
import type { PodInfo } from './node-info.ts';

export type ClusterEvent =
  | { readonly kind: 'nodeAdded' | 'nodeAllocatable' | 'nodeLabels' | 'nodeTaints' | 'nodeDeleted'; readonly node: Node }
  /** A pod that has a node is there, is gone, asks for less, or has other labels than before. */
  | { readonly kind: 'podPlaced' | 'podGone' | 'podScaledDown'; readonly pod: PodInfo }
  | { readonly kind: 'podLabels'; readonly pod: PodInfo; readonly before: PodInfo }
  | { readonly kind: 'namespaceLabels' }
  | { readonly kind: 'claimChanged'; readonly key: string; readonly claim: PersistentVolumeClaim }
  | { readonly kind: 'csiNodeChanged'; readonly csiNode: CSINode }
  | { readonly kind: 'volumeChanged' | 'storageClassChanged' | 'capacityChanged' | 'attachmentGone' | 'driverChanged' };
