// One Ingress with what its annotations say, and the questions that several parts ask of it.
import type { Ingress } from '@drydock/api/generated/types.ts';
import { isHost } from './annotations/grammar.ts';
import type { ReadAnnotations } from './annotations/read.ts';
import type { IngressName } from './model.ts';

/** The host of rules without one. */
export const anyHost = '_';

/** One Ingress with what its annotations say. */
export interface Parsed extends IngressName {
  readonly ingress: Ingress;
  readonly annotations: ReadAnnotations;
}

/** Oldest first: of two that want the same path the older one has it. */
export function byAge(a: Ingress, b: Ingress): number {
  const key = ({ metadata }: Ingress) =>
    `${metadata?.creationTimestamp ?? ''} ${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
  return key(a) < key(b) ? -1 : 1;
}

/** Whether it makes the paths of its hosts regular expressions. */
export function wantsRegex({ annotations }: Parsed): boolean {
  return annotations.values['use-regex'] === true || (annotations.values['rewrite-target'] ?? '') !== '';
}

/** The hosts that an Ingress has rules for, as far as they are names; `_` where it has a rule without one, or none at all. */
export function hostsOf({ ingress }: Parsed): string[] {
  const rules = ingress.spec?.rules ?? [];
  const hosts = rules.map((rule) => rule.host?.toLowerCase() || anyHost).filter((host) => host === anyHost || isHost(host));
  return rules.length === 0 ? [anyHost] : [...new Set(hosts)];
}
