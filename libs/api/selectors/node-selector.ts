// Matching a node against nodeSelector and node affinity.
// https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/

import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '@drydock/api/generated/types.ts';
import { ownField } from '../json.ts';

const labelValueMaxChars = 63;

/** Terms are alternatives; a term without any requirement matches nothing. */
export function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  const labels = node.metadata?.labels ?? {};
  return (
    expressions.every((requirement) => matchesRequirement(requirement, ownField(labels, requirement.key))) &&
    fields.every((requirement) => matchesRequirement(requirement, fieldOf(node, requirement.key)))
  );
}

/** Whether the node satisfies the hard part: nodeSelector and requiredDuringSchedulingIgnoredDuringExecution. */
export function matchesNode(spec: PodSpec, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => ownField(labels, key) === value)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/**
 * The names of the only nodes that can match, where every alternative pins metadata.name (as DaemonSets do); undefined
 * where some alternative does not.
 */
export function pinnedNodes(spec: PodSpec): ReadonlySet<string> | undefined {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const term of terms) {
    const pins = (term.matchFields ?? []).filter((field) => field.key === 'metadata.name' && field.operator === 'In');
    const [first, ...rest] = pins.map((pin) => new Set(pin.values ?? []));
    if (first === undefined) return undefined;
    for (const name of first) if (rest.every((other) => other.has(name))) names.add(name);
  }
  return names;
}

function fieldOf(node: Node, key: string): string | undefined {
  return key === 'metadata.name' ? node.metadata?.name : undefined;
}

function matchesRequirement(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return compares(value, values[0], (a, b) => a > b);
    case 'Lt':
      return compares(value, values[0], (a, b) => a < b);
    default:
      return false;
  }
}

function compares(left: string | undefined, right: string | undefined, holds: (a: bigint, b: bigint) => boolean): boolean {
  const [a, b] = [int64Of(left), int64Of(right)];
  return a !== undefined && b !== undefined && holds(a, b);
}

/** Undefined where it is none: a megabyte of digits is not read, for each node anew. */
function int64Of(text = ''): bigint | undefined {
  if (text.length > labelValueMaxChars || !/^[+-]?\d+$/.test(text)) return undefined;
  const number = BigInt(text);
  return BigInt.asIntN(64, number) === number ? number : undefined;
}
