// Nobody may hand out more than they have: the check on writes of roles and bindings (pkg/registry/rbac/.../policybased).
import type { PolicyRule } from '@drydock/api/generated/types.ts';

/** The rules of `wanted` that `owned` does not cover, each as upstream prints a rule. Empty: all are covered. */
export function uncoveredRules(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): string[] {
  const missing = wanted.flatMap(atoms).filter((atom) => !owned.some((rule) => covers(rule, atom)));
  return [...new Set(merged(missing).map(compact))].sort();
}

/** Rules of one resource each that differ in their verb only become one (rbac/validation.CompactRules). */
function merged(rules: readonly PolicyRule[]): PolicyRule[] {
  const result = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { verbs, ...rest } = rule;
    const key = rule.nonResourceURLs === undefined ? JSON.stringify(rest) : JSON.stringify(rule);
    const known = result.get(key);
    result.set(key, known === undefined ? rule : { ...known, verbs: [...new Set([...known.verbs, ...verbs])] });
  }
  return [...result.values()];
}

/** Splits a rule into rules with one verb, group, resource and name each. */
function atoms(rule: PolicyRule): PolicyRule[] {
  const result: PolicyRule[] = [];
  for (const verb of rule.verbs) {
    for (const path of rule.nonResourceURLs ?? []) result.push({ verbs: [verb], nonResourceURLs: [path] });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const base = { verbs: [verb], apiGroups: [group], resources: [resource] };
        const names = rule.resourceNames ?? [];
        if (names.length === 0) result.push(base);
        for (const name of names) result.push({ ...base, resourceNames: [name] });
      }
    }
  }
  return result;
}

function covers(owner: PolicyRule, atom: PolicyRule): boolean {
  const any = (values: readonly string[] | undefined, wanted: readonly string[] | undefined) =>
    (wanted ?? []).every((value) => values?.includes('*') || values?.includes(value));
  if (!any(owner.verbs, atom.verbs)) return false;
  if (atom.nonResourceURLs !== undefined) {
    return atom.nonResourceURLs.every((path) =>
      (owner.nonResourceURLs ?? []).some(
        (pattern) => pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1))),
      ),
    );
  }
  if (!any(owner.apiGroups, atom.apiGroups)) return false;
  const resource = atom.resources?.[0] ?? '';
  const slash = resource.indexOf('/');
  const covered =
    owner.resources?.includes('*') ||
    owner.resources?.includes(resource) ||
    (slash > 0 && owner.resources?.includes(`*${resource.slice(slash)}`));
  if (!covered) return false;
  const names = owner.resourceNames ?? [];
  if (names.length === 0) return true;
  return atom.resourceNames?.every((name) => names.includes(name)) === true;
}

function compact(rule: PolicyRule): string {
  const list = (name: string, values: readonly string[] | undefined) =>
    values === undefined || values.length === 0 ? [] : [`${name}:[${values.map((value) => JSON.stringify(value)).join(' ')}]`];
  const parts = [
    ...list('APIGroups', rule.apiGroups),
    ...list('Resources', rule.resources),
    ...list('NonResourceURLs', rule.nonResourceURLs),
    ...list('ResourceNames', rule.resourceNames),
    ...list('Verbs', rule.verbs),
  ];
  return `{${parts.join(', ')}}`;
}
