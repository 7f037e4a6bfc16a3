// Every namespace has a service account `default`. Pure; follows upstream's pkg/controller/serviceaccount.
import type { Namespace, ServiceAccount } from '@drydock/api/generated/types.ts';
import { serviceAccounts } from '@drydock/api/resource.ts';
import type { Plan } from '../common/action.ts';
import { isBeingDeleted, nameOf } from '../common/object-meta.ts';

export const defaultServiceAccount = 'default';

export function planServiceAccount(namespace: Namespace, existing: ServiceAccount | undefined): Plan {
  if (isBeingDeleted(namespace) || existing !== undefined) return { actions: [] };
  const metadata = { name: defaultServiceAccount, namespace: nameOf(namespace) };
  const object: ServiceAccount = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  return { actions: [{ verb: 'create', resource: serviceAccounts, object }] };
}
