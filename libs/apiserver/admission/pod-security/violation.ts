// How a check says what it has found.
import type { Container, EphemeralContainer, PodSpec } from '@drydock/api/generated/types.ts';

/** A reason in few words, and who is meant. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export type AnyContainer = Container | EphemeralContainer;

/** Every container of a pod: init containers, containers, ephemeral ones. */
export function containersOf(spec: PodSpec): AnyContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

export function namesOf(containers: readonly AnyContainer[]): string[] {
  return containers.map(({ name }) => name ?? '');
}

/** Names are quoted without escapes. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

export function plural(word: string, count: number): string {
  return count === 1 ? word : `${word}s`;
}

/** `container "a"`, `containers "a", "b"`. */
export function counted(word: string, names: readonly string[]): string {
  return `${plural(word, names.length)} ${quoted(names)}`;
}

/** Each once, in the order of their characters. */
export function distinct(values: Iterable<string>): string[] {
  return [...new Set(values)].sort();
}

/** Who sets something forbidden: the pod, some of its containers; undefined where nobody does. */
export function setters(pod: boolean, containers: readonly AnyContainer[]): string | undefined {
  const parts = [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [counted('container', namesOf(containers))] : [])];
  return parts.length > 0 ? parts.join(' and ') : undefined;
}
