// What the programs that share the work on claims and volumes tell each other by annotations.
// https://kubernetes.io/docs/reference/labels-annotations-taints/

/** On a claim or a volume: its class, from before there was the field. */
export const storageClassAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** On a claim: it is bound, and has been since; where its volume is gone, it is lost. */
export const bindCompletedAnnotation = 'pv.kubernetes.io/bind-completed';

/** On a claim or a volume: a controller chose the other one, not the user, and may let it go again. */
export const boundByControllerAnnotation = 'pv.kubernetes.io/bound-by-controller';

/** On a volume: the provisioner that made it. */
export const provisionedByAnnotation = 'pv.kubernetes.io/provisioned-by';

/** On a claim: the provisioner that is to make its volume. The second is the older name, which is still written. */
export const storageProvisionerAnnotation = 'volume.kubernetes.io/storage-provisioner';
export const betaStorageProvisionerAnnotation = 'volume.beta.kubernetes.io/storage-provisioner';

/** On a claim: the node on which its first pod is to run; the provisioner makes the volume for that node. */
export const selectedNodeAnnotation = 'volume.kubernetes.io/selected-node';

/** On a claim or a volume whose provisioner was once part of Kubernetes: the driver that took it over. */
export const migratedToAnnotation = 'pv.kubernetes.io/migrated-to';

/** On a claim whose volume's sort was taken over: the driver that is to make it larger. */
export const storageResizerAnnotation = 'volume.kubernetes.io/storage-resizer';

/** On a volume that has grown, while its file system has not: its capacity before. */
export const preResizeCapacityAnnotation = 'volume.alpha.kubernetes.io/pre-resize-capacity';

/** On a claim: its volume has grown, and nothing is left to be done on its node. */
export const nodeExpansionNotRequiredAnnotation = 'volume.kubernetes.io/node-expansion-not-required';
