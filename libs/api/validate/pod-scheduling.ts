// Rules of affinity and topology spread.
import type {
  Affinity,
  LabelSelector,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  TopologySpreadConstraint,
} from '../generated/types.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../names.ts';
import { validateSelector } from './common.ts';
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from './field-error.ts';

export function validateAffinity(affinity: Affinity | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const node = affinity?.nodeAffinity;
  const wanted = node?.requiredDuringSchedulingIgnoredDuringExecution;
  if (wanted !== undefined) {
    errors.push(...validateNodeSelector(wanted, `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`));
  }
  (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((preferred, index) => {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    errors.push(...validateWeight(preferred.weight, at), ...validateTerm(preferred.preference, `${at}.preference`));
  });
  for (const field of ['podAffinity', 'podAntiAffinity'] as const) {
    const pods = affinity?.[field];
    (pods?.requiredDuringSchedulingIgnoredDuringExecution ?? []).forEach((term, index) => {
      errors.push(...validatePodTerm(term, `${path}.${field}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`));
    });
    (pods?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((preferred, index) => {
      const at = `${path}.${field}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      errors.push(
        ...validateWeight(preferred.weight, at),
        ...validatePodTerm(preferred.podAffinityTerm, `${at}.podAffinityTerm`),
      );
    });
  }
  return errors;
}

function validateWeight(weight: number, path: string): FieldError[] {
  return weight >= 1 && weight <= 100 ? [] : [invalid(`${path}.weight`, weight, 'must be in the range 1-100')];
}

export function validateNodeSelector({ nodeSelectorTerms = [] }: NodeSelector, path: string): FieldError[] {
  const at = `${path}.nodeSelectorTerms`;
  if (nodeSelectorTerms.length === 0) return [required(at, 'must have at least one node selector term')];
  return nodeSelectorTerms.flatMap((term, index) => validateTerm(term, `${at}[${index}]`));
}

function validateTerm(term: NodeSelectorTerm, path: string): FieldError[] {
  const fields = (term.matchFields ?? []).flatMap((each, index) => validateField(each, `${path}.matchFields[${index}]`));
  return validateExpressions(term, path).concat(fields);
}

/** A node may be asked for by its name alone. */
function validateField({ key, operator, values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn')
    errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
  else if (values.length !== 1)
    errors.push(
      required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
    );
  if (key !== 'metadata.name') return errors.concat(invalid(`${path}.key`, key, 'not a valid field selector key'));
  values.forEach((value, index) => {
    for (const text of dns1123SubdomainErrors(value)) errors.push(invalid(`${path}.values[${index}]`, value, text));
  });
  return errors;
}

function validateExpressions(term: NodeSelectorTerm, path: string): FieldError[] {
  return (term.matchExpressions ?? []).flatMap(({ key, operator, values = [] }, index) => {
    const at = `${path}.matchExpressions[${index}]`;
    const errors: FieldError[] = [];
    switch (operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0)
          errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        break;
      case 'Gt':
      case 'Lt':
        if (values.length !== 1)
          errors.push(required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
        break;
      default:
        errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
    }
    for (const text of qualifiedNameErrors(key)) errors.push(invalid(`${at}.key`, key, text));
    if (operator === 'In' || operator === 'NotIn') {
      values.forEach((value, i) => {
        for (const text of labelValueErrors(value)) errors.push(invalid(`${at}.values[${i}]`, value, text));
      });
    }
    return errors;
  });
}

function validatePodTerm(term: PodAffinityTerm, path: string): FieldError[] {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  const errors = [
    ...validateSelector(labelSelector, `${path}.labelSelector`),
    ...validateSelector(term.namespaceSelector, `${path}.namespaceSelector`),
  ];
  for (const namespace of term.namespaces ?? [])
    for (const text of dns1123LabelErrors(namespace)) errors.push(invalid(`${path}.namespace`, namespace, text));
  errors.push(
    ...validateLabelKeys(matchLabelKeys, labelSelector, `${path}.matchLabelKeys`),
    ...validateLabelKeys(mismatchLabelKeys, labelSelector, `${path}.mismatchLabelKeys`),
  );
  const others = new Set(mismatchLabelKeys);
  matchLabelKeys.forEach((key, index) => {
    if (others.has(key))
      errors.push(invalid(`${path}.matchLabelKeys[${index}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'));
  });
  const counts = keyCounts(labelSelector);
  matchLabelKeys.forEach((key, index) => {
    // Once it is in there because of matchLabelKeys itself. The path is upstream's.
    if ((counts.get(key) ?? 0) > 1)
      errors.push(invalid(`${path}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector'));
  });
  if (!term.topologyKey) errors.push(required(`${path}.topologyKey`, 'can not be empty'));
  for (const text of qualifiedNameErrors(term.topologyKey)) errors.push(invalid(`${path}.topologyKey`, term.topologyKey, text));
  return errors;
}

function validateLabelKeys(keys: readonly string[], selector: LabelSelector | undefined, path: string): FieldError[] {
  if (keys.length === 0) return [];
  const errors = keys.flatMap((key, index) => qualifiedNameErrors(key).map((text) => invalid(`${path}[${index}]`, key, text)));
  return selector === undefined ? [forbidden(path, 'must not be specified when labelSelector is not set'), ...errors] : errors;
}

/** How often each key is in a selector. */
function keyCounts(selector: LabelSelector | undefined): Map<string, number> {
  const counts = new Map<string, number>();
  const keys = [...Object.keys(selector?.matchLabels ?? {}), ...(selector?.matchExpressions ?? []).map(({ key }) => key)];
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

const inclusionPolicies = ['Honor', 'Ignore'];

export function validateSpread(constraints: readonly TopologySpreadConstraint[], path: string): FieldError[] {
  const pairs = constraints.map(({ topologyKey, whenUnsatisfiable }) => `{${topologyKey}, ${whenUnsatisfiable}}`);
  const last = new Map(pairs.map((pair, index) => [pair, index]));
  return constraints.flatMap((constraint, index) => {
    const at = `${path}[${index}]`;
    const { maxSkew, minDomains, topologyKey, whenUnsatisfiable, nodeAffinityPolicy, nodeTaintsPolicy } = constraint;
    const errors: FieldError[] = [];
    if (maxSkew <= 0) errors.push(invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero'));
    if (!topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    else for (const text of qualifiedNameErrors(topologyKey)) errors.push(invalid(`${at}.topologyKey`, topologyKey, text));
    const policies = ['DoNotSchedule', 'ScheduleAnyway'];
    if (!policies.includes(whenUnsatisfiable))
      errors.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, policies));
    const pair = pairs[index] ?? '';
    // Of two, upstream names the first.
    if (last.get(pair) !== index) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    if (minDomains !== undefined && minDomains <= 0)
      errors.push(invalid(`${at}.minDomains`, minDomains, 'must be greater than zero'));
    if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule')
      errors.push(
        invalid(
          `${at}.minDomains`,
          minDomains,
          `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
        ),
      );
    for (const [field, policy] of Object.entries({ nodeAffinityPolicy, nodeTaintsPolicy }))
      if (policy !== undefined && !inclusionPolicies.includes(policy))
        errors.push(notSupported(`${at}.${field}`, policy, inclusionPolicies));
    errors.push(...validateLabelKeys(constraint.matchLabelKeys ?? [], constraint.labelSelector, `${at}.matchLabelKeys`));
    return errors.concat(validateSelector(constraint.labelSelector, `${at}.labelSelector`));
  });
}
