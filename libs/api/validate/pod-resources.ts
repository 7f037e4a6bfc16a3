// Rules of a container's requests and limits.
import type { ResourceRequirements } from '../generated/types.ts';
import { qualifiedNameErrors } from '../names.ts';
import { compareQuantities, formatQuantity, type Quantity, tryParseQuantity } from '../quantity.ts';
import { type FieldError, invalid, required } from './field-error.ts';

const standard = new Set(['cpu', 'memory', 'ephemeral-storage', 'storage']);
const containerStandard = new Set(['cpu', 'memory', 'ephemeral-storage']);

export function validateResources(resources: ResourceRequirements | undefined, path: string): FieldError[] {
  const limits = resources?.limits ?? {};
  const requests = resources?.requests ?? {};
  const errors: FieldError[] = [];
  for (const [name, text] of sorted(limits)) {
    const at = `${path}.limits[${name}]`;
    errors.push(...validateContainerResourceName(name, at), ...validateAmount(name, text, at));
  }
  for (const [name, text] of sorted(requests)) {
    const at = `${path}.requests[${name}]`;
    errors.push(...validateContainerResourceName(name, at), ...validateAmount(name, text, at));
    const limit = tryParseQuantity(limits[name] ?? '');
    const request = tryParseQuantity(text);
    if (limit !== undefined && request !== undefined) {
      const order = compareQuantities(request, limit);
      if (order !== 0 && !overcommittable(name)) {
        errors.push(invalid(`${path}.requests`, text, `must be equal to ${name} limit of ${limits[name]}`));
      } else if (order > 0)
        errors.push(invalid(`${path}.requests`, text, `must be less than or equal to ${name} limit of ${limits[name]}`));
    } else if (limit === undefined && !overcommittable(name)) {
      errors.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'));
    }
  }
  return errors;
}

/** What a pod takes beside its containers: checked as the limits of a container are, and named so. */
export function validateOverhead(overhead: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  return validateResources({ limits: overhead ?? {} }, path);
}

function sorted(list: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Which resources a container may ask for. */
export function validateContainerResourceName(name: string, path: string): FieldError[] {
  const errors = qualifiedNameErrors(name).map((text) => invalid(path, name, text));
  if (name.includes('/')) return errors;
  if (errors.length === 0 && !standard.has(name) && !name.startsWith('hugepages-')) {
    errors.push(invalid(path, name, 'must be a standard resource type or fully qualified'));
  }
  if (!containerStandard.has(name) && !name.startsWith('hugepages-')) {
    errors.push(invalid(path, name, 'must be a standard resource for containers'));
  }
  return errors;
}

function validateAmount(name: string, text: string, path: string): FieldError[] {
  const quantity = tryParseQuantity(text);
  if (quantity === undefined) return [];
  const errors = quantity.unscaled < 0n ? [invalid(path, text, 'must be greater than or equal to 0')] : [];
  if (!isWhole(quantity) && !overcommittable(name)) errors.push(invalid(path, formatQuantity(quantity), 'must be an integer'));
  return errors;
}

function isWhole(quantity: Quantity): boolean {
  return quantity.milliValue() % 1000n === 0n;
}

function overcommittable(name: string): boolean {
  return !name.startsWith('hugepages-') && (!name.includes('/') || name.includes('kubernetes.io/'));
}
