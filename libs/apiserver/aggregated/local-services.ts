// The APIServices of what this server serves itself: listed, so that clients see every group in one place
// (pkg/controlplane/apiserver: DefaultGenericAPIServicePriorities; kube-aggregator's autoregister controller).
import type { APIService } from '@drydock/api/generated/types.ts';
import { groups } from '@drydock/api/scheme.ts';
import { formatTime } from '@drydock/foundation/clock.ts';

/** groupPriorityMinimum of the groups that are served here: the order of /apis. */
const groupPriorities: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'admissionregistration.k8s.io': 16_700,
  'apiextensions.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'resource.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
};

/** versionPriority where it is not that of most. */
const versionPriorities: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'resource.k8s.io/v1': 21,
};
const usualVersionPriority = 15;

/** The group of APIServices themselves has none: it comes before all others. */
const ownGroup = 'apiregistration.k8s.io';

/** Where a group of this server stands among those of others; Infinity for the one that is always first. */
export function localPriority(group: string): number {
  return group === ownGroup ? Number.POSITIVE_INFINITY : (groupPriorities[group] ?? 0);
}

/** As they are made at the first start; users may change or delete them, which changes what is listed and nothing else. */
export function localApiServices(nowMs: number): APIService[] {
  const served = groups.filter((group) => group.name !== ownGroup);
  return served.flatMap(({ name: group, versions }) =>
    versions.map((version) => ({
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: `${version}.${group}`, labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
      spec: {
        ...(group === '' ? {} : { group }),
        version,
        groupPriorityMinimum: localPriority(group),
        versionPriority: versionPriorities[`${group}/${version}`] ?? usualVersionPriority,
      },
      status: { conditions: [localCondition(nowMs)] },
    })),
  );
}

function localCondition(nowMs: number) {
  return {
    type: 'Available',
    status: 'True',
    lastTransitionTime: formatTime(nowMs),
    reason: 'Local',
    message: 'Local APIServices are always available',
  };
}
