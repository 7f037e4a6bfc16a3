// What a check of the Pod Security Standards is.
import type { ObjectMeta, PodSpec } from '@drydock/api/generated/types.ts';
import type { Violation } from './violation.ts';

/**
 * Looks at a pod as it was in the given minor version of Kubernetes 1; what there is to object, or undefined.
 * (https://kubernetes.io/docs/concepts/security/pod-security-standards/)
 */
export type Check = (spec: PodSpec, metadata: ObjectMeta, version: number) => Violation | undefined;
