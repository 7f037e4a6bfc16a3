// Rows of the workload kinds.
import type {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  PodTemplate,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../generated/types.ts';
import { ageOf, humanDuration } from '../human-duration.ts';
import {
  type Cell,
  containerImages,
  containerNames,
  createdAge,
  labelsText,
  nameOf,
  none,
  printer,
  selectorText,
} from './cells.ts';

export const workloadPrinters = [
  printer<Deployment>('apps/Deployment', (object, now) => [
    nameOf(object),
    `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    object.status?.updatedReplicas ?? 0,
    object.status?.availableReplicas ?? 0,
    createdAge(object, now),
    containerNames(object.spec?.template.spec?.containers),
    containerImages(object.spec?.template.spec?.containers),
    selectorText(object.spec?.selector),
  ]),
  printer<ReplicaSet>('apps/ReplicaSet', (object, now) => [
    nameOf(object),
    object.spec?.replicas ?? 0,
    object.status?.replicas ?? 0,
    object.status?.readyReplicas ?? 0,
    createdAge(object, now),
    containerNames(object.spec?.template?.spec?.containers),
    containerImages(object.spec?.template?.spec?.containers),
    selectorText(object.spec?.selector),
  ]),
  printer<ReplicationController>('/ReplicationController', (object, now) => [
    nameOf(object),
    object.spec?.replicas ?? 0,
    object.status?.replicas ?? 0,
    object.status?.readyReplicas ?? 0,
    createdAge(object, now),
    containerNames(object.spec?.template?.spec?.containers),
    containerImages(object.spec?.template?.spec?.containers),
    labelsText(object.spec?.selector),
  ]),
  printer<DaemonSet>('apps/DaemonSet', (object, now) => [
    nameOf(object),
    object.status?.desiredNumberScheduled ?? 0,
    object.status?.currentNumberScheduled ?? 0,
    object.status?.numberReady ?? 0,
    object.status?.updatedNumberScheduled ?? 0,
    object.status?.numberAvailable ?? 0,
    labelsText(object.spec?.template.spec?.nodeSelector),
    createdAge(object, now),
    containerNames(object.spec?.template.spec?.containers),
    containerImages(object.spec?.template.spec?.containers),
    selectorText(object.spec?.selector),
  ]),
  printer<StatefulSet>('apps/StatefulSet', (object, now) => [
    nameOf(object),
    `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    createdAge(object, now),
    containerNames(object.spec?.template.spec?.containers),
    containerImages(object.spec?.template.spec?.containers),
  ]),
  printer<ControllerRevision>('apps/ControllerRevision', (object, now) => [
    nameOf(object),
    controllerText(object),
    object.revision,
    createdAge(object, now),
  ]),
  printer<PodTemplate>('/PodTemplate', (object) => [
    nameOf(object),
    containerNames(object.template?.spec?.containers),
    containerImages(object.template?.spec?.containers),
    labelsText(object.template?.metadata?.labels),
  ]),
  printer<Job>('batch/Job', (object, now) => [
    nameOf(object),
    jobStatus(object),
    jobCompletions(object),
    jobDuration(object, now),
    createdAge(object, now),
    containerNames(object.spec?.template.spec?.containers),
    containerImages(object.spec?.template.spec?.containers),
    selectorText(object.spec?.selector),
  ]),
  printer<CronJob>('batch/CronJob', printCronJob),
];

function controllerText(object: ControllerRevision): string {
  const owner = object.metadata?.ownerReferences?.find((candidate) => candidate.controller === true);
  if (owner === undefined) return none;
  const group = owner.apiVersion.includes('/') ? owner.apiVersion.replace(/\/.*/, '') : '';
  const type = group === '' ? owner.kind.toLowerCase() : `${owner.kind.toLowerCase()}.${group}`;
  return `${type}/${owner.name}`;
}

function jobStatus(job: Job): string {
  const has = (type: string): boolean =>
    job.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (job.metadata?.deletionTimestamp !== undefined) return 'Terminating';
  if (has('Suspended')) return 'Suspended';
  if (has('FailureTarget')) return 'FailureTarget';
  return has('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

function jobCompletions(job: Job): string {
  const succeeded = job.status?.succeeded ?? 0;
  if (job.spec?.completions !== undefined) return `${succeeded}/${job.spec.completions}`;
  const parallelism = job.spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: Job, now: number): string {
  const { startTime, completionTime } = job.status ?? {};
  if (startTime === undefined) return '';
  return humanDuration((completionTime === undefined ? now : Date.parse(completionTime)) - Date.parse(startTime));
}

function printCronJob(object: CronJob, now: number): Cell[] {
  const template = object.spec?.jobTemplate.spec;
  const last = object.status?.lastScheduleTime;
  return [
    nameOf(object),
    object.spec?.schedule ?? '',
    object.spec?.timeZone ?? none,
    object.spec?.suspend === undefined ? unsetBool : object.spec.suspend ? 'True' : 'False',
    object.status?.active?.length ?? 0,
    last === undefined ? none : ageOf(last, now),
    createdAge(object, now),
    containerNames(template?.template.spec?.containers),
    containerImages(template?.template.spec?.containers),
    selectorText(template?.selector),
  ];
}

const unsetBool = '<unset>';
