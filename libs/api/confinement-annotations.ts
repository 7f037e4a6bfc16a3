// The annotations by which pods said how they are confined, before there were fields for it.

/** Before the name of a container. */
export const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/';
/** Of the whole pod. */
export const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
/** Before the name of a container. */
export const seccompContainerAnnotation = 'container.seccomp.security.alpha.kubernetes.io/';
