// What a Service's load balancer needs: an address and the finalizer, or to be taken down. Pure; follows upstream's
// cloud-provider/controllers/service.
import type { Service } from '@drydock/api/generated/types.ts';
import { services } from '@drydock/api/resource.ts';
import { type Action, type EventAction, eventAbout, type WriteAction } from '../common/action.ts';
import { isBeingDeleted, nameOf, namespaceOf } from '../common/object-meta.ts';
import { addressOf } from './pool.ts';

export const finalizer = 'service.kubernetes.io/load-balancer-cleanup';

/** One with a class is another's. */
export function wantsLoadBalancer({ spec }: Service): boolean {
  return spec?.type === 'LoadBalancer' && spec.loadBalancerClass === undefined;
}

/** Whether the Service still holds what it wants no more. */
export function needsCleanup(service: Service): boolean {
  const { finalizers = [] } = service.metadata ?? {};
  return finalizers.includes(finalizer) && (isBeingDeleted(service) || service.spec?.type !== 'LoadBalancer');
}

/** The Service has this address from now on. */
export function planEnsured(service: Service, address: string): Action[] {
  const { finalizers = [] } = service.metadata ?? {};
  const ensured = said(service, 'EnsuredLoadBalancer', 'Ensured load balancer');
  if (finalizers.includes(finalizer) && addressOf(service) === address) return [ensured];
  const wanted = finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer];
  // Both at once: what is in the status must be given back, and nothing else is to be.
  return [statusPatch(service, wanted, [{ ip: address }]), ensured];
}

/** The Service has no load balancer from now on. */
export function planCleanup(service: Service): Action[] {
  const others = (service.metadata?.finalizers ?? []).filter((each) => each !== finalizer);
  const deleting = addressOf(service) === undefined ? [] : [said(service, 'DeletingLoadBalancer', 'Deleting load balancer')];
  const deleted = said(service, 'DeletedLoadBalancer', 'Deleted load balancer');
  return [...deleting, statusPatch(service, others, null), deleted];
}

export function said(service: Service, reason: string, message: string, type: 'Normal' | 'Warning' = 'Normal'): EventAction {
  return eventAbout(services, service, type, reason, message);
}

/** By the status, which is all that upstream's role of the controller may write, with the metadata that goes with it. */
function statusPatch(service: Service, finalizers: readonly string[], ingress: readonly { ip: string }[] | null): WriteAction {
  const { uid, resourceVersion } = service.metadata ?? {};
  return {
    verb: 'patch',
    resource: services,
    key: { namespace: namespaceOf(service), name: nameOf(service) },
    subresource: 'status',
    patch: { type: 'merge', body: { metadata: { uid, resourceVersion, finalizers }, status: { loadBalancer: { ingress } } } },
  };
}
