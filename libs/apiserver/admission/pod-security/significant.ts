// Which changes of a pod can make it violate what it did not violate before.
import type { Pod } from '@drydock/api/generated/types.ts';
import { type AnyContainer, containersOf } from './violation.ts';

const watchedAnnotations = ['seccomp.security.alpha.kubernetes.io/', 'container.'];

/** Another image, a container more, another annotation that confines: what else can be changed has no say in confinement. */
export function isSignificant(pod: Pod, old: Pod): boolean {
  const before = new Map(containersOf(old.spec ?? { containers: [] }).map((container) => [container.name, container]));
  const after = containersOf(pod.spec ?? { containers: [] });
  return (
    after.length !== before.size ||
    after.some((container) => isOther(container, before.get(container.name))) ||
    watched(pod) !== watched(old)
  );
}

function isOther(container: AnyContainer, before: AnyContainer | undefined): boolean {
  return before === undefined || container.image !== before.image;
}

function watched({ metadata }: Pod): string {
  const entries = Object.entries(metadata?.annotations ?? {});
  return JSON.stringify(entries.filter(([key]) => watchedAnnotations.some((start) => key.startsWith(start))).sort());
}
