// The hash that names the ReplicaSets of a Deployment and labels their pods.
import type { PodTemplateSpec } from '@drydock/api/generated/types.ts';
import { canonicalJson, semanticEqual } from './equality.ts';

export const podTemplateHashLabel = 'pod-template-hash';

/** The letters upstream's rand.SafeEncodeString maps to: no vowels, nothing that reads as another. */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** FNV-1a over 32 bits, continued from `hash`. */
function fnv1a(hash: number, bytes: Iterable<number>): number {
  let state = hash;
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  return state;
}

/**
 * A stable 32-bit FNV hash of the value and the collision count, in upstream's safe letters. Upstream hashes a dump of its
 * Go structures; this hashes the canonical JSON, so the values differ, which nothing depends on: a Deployment recognises
 * its ReplicaSets by their template, and a revision is recognised by what it holds.
 */
export function hashOf(value: unknown, collisionCount: number | undefined): string {
  let hash = fnv1a(0x811c9dc5, new TextEncoder().encode(canonicalJson(value)));
  if (collisionCount !== undefined) {
    hash = fnv1a(hash, [collisionCount & 0xff, (collisionCount >> 8) & 0xff, (collisionCount >> 16) & 0xff, 0]);
  }
  return Array.from(String(hash), (digit) => safeAlphabet[digit.charCodeAt(0) % safeAlphabet.length]).join('');
}

/** The hash of a pod template. */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  return hashOf(template, collisionCount);
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const labels = { ...template.metadata?.labels };
  delete labels[podTemplateHashLabel];
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** Whether two templates make the same pods; the label this controller adds does not count (EqualIgnoreHash). */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  const [left, right] = [withoutHash(a), withoutHash(b)];
  return semanticEqual({ m: left.metadata ?? {}, s: left.spec }, { m: right.metadata ?? {}, s: right.spec });
}
