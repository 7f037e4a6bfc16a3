// Cluster roles that are the sum of others. Pure; follows upstream's pkg/controller/clusterroleaggregation.
import type { ClusterRole, PolicyRule } from '@drydock/api/generated/types.ts';
import { clusterRoles } from '@drydock/api/resource.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import type { Plan } from '../common/action.ts';
import { canonicalJson, semanticEqual } from '../common/equality.ts';
import { isBeingDeleted, nameOf } from '../common/object-meta.ts';

/** The rules of all roles that `role` selects, in the order of their names, each once. */
export function planAggregation(role: ClusterRole, all: readonly ClusterRole[]): Plan {
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  if (selectors === undefined || isBeingDeleted(role)) return { actions: [] };
  const rules = new Map<string, PolicyRule>();
  for (const selector of selectors) {
    const selected = all.filter((other) => nameOf(other) !== nameOf(role) && matchesSelector(selector, other.metadata?.labels));
    for (const other of selected.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))) {
      for (const rule of other.rules ?? []) rules.set(canonicalJson(rule), rule);
    }
  }
  const wanted = [...rules.values()];
  if (semanticEqual(wanted, role.rules)) return { actions: [] };
  const object: ClusterRole = { ...role, rules: wanted };
  return { actions: [{ verb: 'update', resource: clusterRoles, object }] };
}
