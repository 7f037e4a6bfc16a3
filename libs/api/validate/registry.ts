// Which rules belong to which kind.

import type { CronJob } from '../generated/types.ts';
import type { KubeObject } from '../resource.ts';
import type { ResourceInfo } from '../scheme.ts';
import { apiServiceRules } from './api-service.ts';
import { autoscalerRules } from './autoscaler.ts';
import { certificateRules } from './certificates.ts';
import { claimRules } from './claim.ts';
import { clusterRules } from './cluster.ts';
import { configRules } from './config.ts';
import { controllerRevisionRules } from './controller-revision.ts';
import { validateCronJob, validateCronJobUpdate } from './cron-job.ts';
import { rules } from './define.ts';
import type { FieldError } from './field-error.ts';
import type { GateEnabled } from './gates.ts';
import { networkRules } from './network.ts';
import { otherStatusRules } from './other-status.ts';
import { volumeRules } from './persistent-volume.ts';
import { podRules } from './pod.ts';
import { quotaRules } from './quota.ts';
import { rbacRules } from './rbac.ts';
import { runtimeClassRules } from './runtime-class.ts';
import { serviceRules } from './service.ts';
import { storageRules } from './storage.ts';
import { workloadRules } from './workloads.ts';

export interface KindRules {
  /** What is wrong with a new object beside its metadata. */
  readonly create?: (object: KubeObject, gateEnabled: GateEnabled) => FieldError[];
  /** What is wrong with an update beside its metadata; left out: the rules of create. */
  readonly update?: (object: KubeObject, old: KubeObject, gateEnabled: GateEnabled) => FieldError[];
  /** By subresource: `status`, `binding`, ... */
  readonly subresources?: Readonly<Record<string, (object: KubeObject, old: KubeObject) => FieldError[]>>;
}

const table = new Map<string, KindRules>([
  ...podRules,
  ...workloadRules,
  ...serviceRules,
  ...configRules,
  ...controllerRevisionRules,
  ...rbacRules,
  ...volumeRules,
  ...claimRules,
  ...storageRules,
  ...certificateRules,
  ...clusterRules,
  ...networkRules,
  ...autoscalerRules,
  ...runtimeClassRules,
  ...apiServiceRules,
  rules<CronJob>('batch/CronJob', { create: validateCronJob, update: validateCronJobUpdate }),
  ...quotaRules,
  ...otherStatusRules,
]);

export function rulesOf({ group, kind }: Pick<ResourceInfo, 'group' | 'kind'>): KindRules | undefined {
  return table.get(`${group}/${kind}`);
}
