// Whether a Service can be what an APIService says, before its server is asked (kube-aggregator: remote AvailableConditionController).
// Pure.
import type { APIService, APIServiceCondition, EndpointSlice, Service } from '@drydock/api/generated/types.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { endpointsOf } from './place.ts';

export interface Finding {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Undefined: nothing speaks against it, its server is to be asked. */
export function serviceFinding(
  { spec }: APIService,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): Finding | undefined {
  const { name = '', namespace = '', port = 443 } = spec?.service ?? {};
  const missing = (reason: string, message: string): Finding => ({ status: 'False', reason, message });
  const of = `service/${name} in ${JSON.stringify(namespace)}`;
  if (service === undefined) return missing('ServiceNotFound', `${of} is not present`);
  if ((service.spec?.type ?? 'ClusterIP') !== 'ClusterIP') return undefined;
  const found = service.spec?.ports?.find((each) => each.port === port);
  if (found === undefined) return missing('ServicePortError', `${of} is not listening on port ${port}`);
  if (slices.length === 0) return missing('EndpointsNotFound', `cannot find endpointslices for ${of}`);
  if (endpointsOf(slices, found.name ?? '').length > 0) return undefined;
  return missing(
    'MissingEndpoints',
    `endpointslices for ${of} have no addresses with port name ${JSON.stringify(found.name ?? '')}`,
  );
}

export const passed: Finding = { status: 'True', reason: 'Passed', message: 'all checks passed' };

export function failedCheck(message: string): Finding {
  return { status: 'False', reason: 'FailedDiscoveryCheck', message };
}

export function isAvailable({ status }: APIService): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Available' && is === 'True') === true;
}

/** The conditions with what was found; undefined where they say so already. Only a change of the status moves its time. */
export function withFinding({ status }: APIService, finding: Finding, nowMs: number): APIServiceCondition[] | undefined {
  const before = status?.conditions ?? [];
  const old = before.find(({ type }) => type === 'Available');
  if (old?.status === finding.status && old.reason === finding.reason && old.message === finding.message) return undefined;
  const lastTransitionTime =
    old?.status === finding.status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : formatTime(nowMs);
  const { reason, message } = finding;
  return [
    ...before.filter(({ type }) => type !== 'Available'),
    { type: 'Available', status: finding.status, lastTransitionTime, reason, message },
  ];
}
