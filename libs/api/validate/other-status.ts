// Rules of what the status of volumes' claims, resource claims, flow control and resource definitions may say.
import type {
  CustomResourceDefinition,
  FlowSchema,
  PersistentVolumeClaim,
  PriorityLevelConfiguration,
  ResourceResourceClaim as ResourceClaim,
} from '../generated/types.ts';
import { amountErrors } from './common.ts';
import { rules } from './define.ts';
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from './field-error.ts';

const resizeStatuses = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

/** Storage, and whatever is not Kubernetes' own. */
function isResizable(name: string): boolean {
  return name === 'storage' || (name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name));
}

/** Which resources of a claim are resized, and how far that is. */
export function validateClaimStatus({ status }: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, state] of Object.entries(status?.allocatedResourceStatuses ?? {})) {
    const at = 'status.allocatedResourceStatuses';
    if (!isResizable(name)) errors.push(notSupported(at, name, ['storage']));
    // Upstream names the resource, not what is wrong with it.
    if (!resizeStatuses.includes(state)) errors.push(notSupported(at, name, resizeStatuses));
  }
  for (const [name, amount] of Object.entries(status?.capacity ?? {}))
    errors.push(...amountErrors(amount, `status.capacity[${name}]`));
  for (const name of Object.keys(status?.allocatedResources ?? {})) {
    if (!isResizable(name)) errors.push(notSupported('status.allocatedResources', name, ['storage']));
  }
  return errors;
}

function validateResourceClaimStatus({ status }: ResourceClaim): FieldError[] {
  const errors: FieldError[] = [];
  const allocated = status?.allocation;
  const nameOf = (driver: string, pool: string, device: string, shareID = '') =>
    JSON.stringify([driver, pool, device, shareID]);
  const results = new Set(
    (allocated?.devices?.results ?? []).map((each) => nameOf(each.driver, each.pool, each.device, each.shareID)),
  );
  if ((status?.reservedFor ?? []).length > 0 && allocated === undefined)
    errors.push(forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'));
  (status?.devices ?? []).forEach(({ driver, pool, device, shareID = '' }, index) => {
    if (results.has(nameOf(driver, pool, device, shareID))) return;
    const shown = { Driver: driver, Pool: pool, Device: device, ShareID: shareID };
    errors.push(invalid(`status.devices[${index}]`, shown, 'must be an allocated device in the claim'));
  });
  return errors;
}

function validateConditions({ status }: FlowSchema | PriorityLevelConfiguration): FieldError[] {
  const seen = new Set<string>();
  return (status?.conditions ?? []).flatMap(({ type }, index) => {
    const at = `status.conditions[${index}].type`;
    const errors = type ? [] : [required(at)];
    if (seen.has(type ?? '')) errors.push(duplicate(at, type));
    seen.add(type ?? '');
    return errors;
  });
}

function validateAcceptedNames({ status }: CustomResourceDefinition): FieldError[] {
  const names = status?.acceptedNames;
  if (names?.kind && names.kind === names.listKind)
    return [invalid('status.acceptedNames.listKind', names.listKind, 'kind and listKind may not be the same')];
  return [];
}

export const otherStatusRules = [
  rules<ResourceClaim>('resource.k8s.io/ResourceClaim', {
    create: () => [],
    subresources: { status: validateResourceClaimStatus },
  }),
  rules<FlowSchema>('flowcontrol.apiserver.k8s.io/FlowSchema', {
    create: () => [],
    subresources: { status: validateConditions },
  }),
  rules<PriorityLevelConfiguration>('flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration', {
    create: () => [],
    subresources: { status: validateConditions },
  }),
  rules<CustomResourceDefinition>('apiextensions.k8s.io/CustomResourceDefinition', {
    create: () => [],
    subresources: { status: validateAcceptedNames },
  }),
];
