// Which changes of a Service its load balancer has to follow, and what is said about them. Pure; follows upstream's
// cloud-provider/controllers/service.
import type { Service, ServiceSpec } from '@drydock/api/generated/types.ts';
import { services } from '@drydock/api/resource.ts';
import { type EventAction, eventAbout } from '../common/action.ts';
import { semanticEqual } from '../common/equality.ts';
import { uidOf } from '../common/object-meta.ts';
import { wantsLoadBalancer } from './plan.ts';

/** What is to be said, undefined where the change is of no concern. */
export function changeOf(before: Service, after: Service): readonly EventAction[] | undefined {
  const [wanted, wants] = [wantsLoadBalancer(before), wantsLoadBalancer(after)];
  if (!wanted && !wants) return undefined;
  const [a, b] = [before.spec, after.spec];
  const say = (reason: string, message: string) => [eventAbout(services, after, 'Normal', reason, message)];
  const arrow = (reason: string, from: unknown, to: unknown) => say(reason, `${text(from)} -> ${text(to)}`);
  const differs = (field: keyof ServiceSpec) => !semanticEqual(a?.[field], b?.[field]);
  if (wanted !== wants) return arrow('Type', a?.type, b?.type);
  if (differs('loadBalancerSourceRanges'))
    return arrow('LoadBalancerSourceRanges', a?.loadBalancerSourceRanges ?? [], b?.loadBalancerSourceRanges ?? []);
  if (differs('ports') || differs('sessionAffinity') || differs('sessionAffinityConfig')) return [];
  if (differs('loadBalancerIP')) return arrow('LoadbalancerIP', a?.loadBalancerIP, b?.loadBalancerIP);
  const [ipsBefore, ips] = [a?.externalIPs ?? [], b?.externalIPs ?? []];
  if (ipsBefore.length !== ips.length) return say('ExternalIP', `Count: ${ipsBefore.length} -> ${ips.length}`);
  const other = ips.find((ip, index) => ip !== ipsBefore[index]);
  if (other !== undefined) return say('ExternalIP', `Added: ${other}`);
  if (!semanticEqual(before.metadata?.annotations, after.metadata?.annotations, 'annotations')) return [];
  if (uidOf(before) !== uidOf(after)) return arrow('UID', uidOf(before), uidOf(after));
  if (differs('externalTrafficPolicy'))
    return arrow('ExternalTrafficPolicy', a?.externalTrafficPolicy, b?.externalTrafficPolicy);
  if (differs('healthCheckNodePort'))
    return arrow('HealthCheckNodePort', a?.healthCheckNodePort ?? 0, b?.healthCheckNodePort ?? 0);
  return undefined;
}

/** As Go prints a value. */
function text(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(' ')}]` : String(value ?? '');
}
