// Defaults of the apps and batch groups.
import type { CronJob, DaemonSet, Deployment, Job, JobSpec, ReplicaSet, StatefulSet } from '../generated/types.ts';
import { defaultPersistentVolumeClaim } from './core.ts';
import { defaulter } from './define.ts';
import { defaultPodTemplate } from './pod.ts';

const revisionHistoryLimit = 10;
const progressDeadlineSeconds = 600;
const jobBackoffLimit = 6;
const int32Max = 2 ** 31 - 1;

export const workloadDefaulters = [
  defaulter<Deployment>('apps/Deployment', defaultDeployment),
  defaulter<ReplicaSet>('apps/ReplicaSet', (set) => {
    if (set.spec === undefined) return;
    set.spec.replicas ??= 1;
    defaultPodTemplate(set.spec.template);
  }),
  defaulter<DaemonSet>('apps/DaemonSet', defaultDaemonSet),
  defaulter<StatefulSet>('apps/StatefulSet', defaultStatefulSet),
  defaulter<Job>('batch/Job', (job) => {
    if (job.spec === undefined) return;
    defaultJobSpec(job.spec);
    const labels = job.spec.template?.metadata?.labels;
    job.metadata ??= {};
    if (labels !== undefined && Object.keys(job.metadata.labels ?? {}).length === 0) job.metadata.labels = { ...labels };
  }),
  defaulter<CronJob>('batch/CronJob', (cronJob) => {
    const spec = cronJob.spec;
    if (spec === undefined) return;
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    if (spec.jobTemplate?.spec !== undefined) defaultPodTemplate(spec.jobTemplate.spec.template);
  }),
];

function defaultDeployment(deployment: Deployment): void {
  const spec = deployment.spec;
  if (spec === undefined) return;
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ||= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
    spec.strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= revisionHistoryLimit;
  spec.progressDeadlineSeconds ??= progressDeadlineSeconds;
  defaultPodTemplate(spec.template);
}

function defaultDaemonSet(set: DaemonSet): void {
  const spec = set.spec;
  if (spec === undefined) return;
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= revisionHistoryLimit;
  defaultPodTemplate(spec.template);
}

function defaultStatefulSet(set: StatefulSet): void {
  const spec = set.spec;
  if (spec === undefined) return;
  spec.podManagementPolicy ||= 'OrderedReady';
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= revisionHistoryLimit;
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion ||= 'v1';
    claim.kind ||= 'PersistentVolumeClaim';
    defaultPersistentVolumeClaim(claim);
  }
  defaultPodTemplate(spec.template);
}

function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? jobBackoffLimit : int32Max;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= undefined;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
  }
  defaultPodTemplate(spec.template);
}
