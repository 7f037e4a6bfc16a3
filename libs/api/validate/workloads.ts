// Rules of the apps and batch groups.
import type {
  DaemonSet,
  Deployment,
  Job,
  JobSpec,
  LabelSelector,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
  StatefulSetSpec,
} from '../generated/types.ts';
import { scaledCount } from '../int-or-string.ts';
import { semanticEqual } from '../json.ts';
import { matchesLabelSelector } from '../selectors/label.ts';
import { validateClaimSpec } from './claim.ts';
import { countOrPercent, nonNegative, notAbove100Percent, oneOf, validateSelector } from './common.ts';
import { rules } from './define.ts';
import { type FieldError, forbidden, goMap, invalid, notSupported, required } from './field-error.ts';
import { validateJobStatus } from './job-status.ts';
import { validatePodTemplate } from './pod.ts';
import { daemonSetStatus, deploymentStatus, replicaSetStatus, statefulSetStatus } from './replica-status.ts';

const template = 'spec.template';
const immutable = 'field is immutable';

export const workloadRules = [
  rules<Deployment>('apps/Deployment', {
    create: validateDeployment,
    update: (object, old) => [...validateDeployment(object), ...keptSelector(object, old)],
    subresources: { status: deploymentStatus },
  }),
  rules<ReplicaSet>('apps/ReplicaSet', {
    create: (set) => validateReplicas(set, 'ReplicaSet'),
    update: (object, old) => [...validateReplicas(object, 'ReplicaSet'), ...keptSelector(object, old)],
    subresources: { status: replicaSetStatus },
  }),
  rules<DaemonSet>('apps/DaemonSet', {
    create: validateDaemonSet,
    update: (object, old) => [...validateDaemonSet(object), ...keptSelector(object, old)],
    subresources: { status: daemonSetStatus },
  }),
  rules<StatefulSet>('apps/StatefulSet', {
    create: validateNewStatefulSet,
    update: validateStatefulSetUpdate,
    subresources: { status: statefulSetStatus },
  }),
  rules<ReplicationController>('/ReplicationController', {
    create: validateController,
    subresources: { status: replicaSetStatus },
  }),
  rules<Job>('batch/Job', { create: validateJob, update: validateJobUpdate, subresources: { status: validateJobStatus } }),
];

interface Selecting {
  readonly spec?: { readonly selector?: LabelSelector | undefined } | undefined;
}

function keptSelector(object: Selecting, old: Selecting): FieldError[] {
  return semanticEqual(object.spec?.selector, old.spec?.selector)
    ? []
    : [invalid('spec.selector', object.spec?.selector, immutable)];
}

/** Selector and template fit each other; restarts always. `kind` is how error texts name the workload. */
function validateTemplate(selector: LabelSelector | undefined, pods: PodTemplateSpec | undefined, kind: string): FieldError[] {
  const labels = pods?.metadata?.labels;
  if (isEmptySelector(selector) || !matchesLabelSelector(selector, labels)) {
    if (!(selector !== undefined && isEmptySelector(selector))) {
      return [
        invalid(`${template}.metadata.labels`, goMap(labels), '`selector` does not match template `labels`'),
        ...templateErrors(pods, kind),
      ];
    }
  }
  return templateErrors(pods, kind);
}

function templateErrors(pods: PodTemplateSpec | undefined, kind: string): FieldError[] {
  const errors = validatePodTemplate(pods, template);
  if (pods?.spec?.restartPolicy !== 'Always') {
    const policy = pods?.spec?.restartPolicy;
    if (policy) errors.push(notSupported(`${template}.spec.restartPolicy`, policy, ['Always']));
  }
  if (pods?.spec?.activeDeadlineSeconds !== undefined) {
    errors.push(forbidden(`${template}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`));
  }
  return errors;
}

function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0;
}

function validateDeployment(deployment: Deployment): FieldError[] {
  const spec = deployment.spec;
  const errors = nonNegative(spec?.replicas, 'spec.replicas');
  if (spec?.selector === undefined) errors.push(required('spec.selector'));
  else {
    errors.push(...validateSelector(spec.selector, 'spec.selector'));
    if (isEmptySelector(spec.selector))
      errors.push(invalid('spec.selector', spec.selector, 'empty selector is invalid for deployment'));
  }
  errors.push(...validateTemplate(spec?.selector, spec?.template, 'ReplicaSet'), ...validateStrategy(deployment));
  errors.push(
    ...nonNegative(spec?.minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(spec?.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  );
  const deadline = spec?.progressDeadlineSeconds;
  errors.push(...nonNegative(deadline, 'spec.progressDeadlineSeconds'));
  if (deadline !== undefined && deadline <= (spec?.minReadySeconds ?? 0)) {
    errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return errors;
}

function validateStrategy(deployment: Deployment): FieldError[] {
  const strategy = deployment.spec?.strategy;
  const rolling = strategy?.rollingUpdate;
  const path = 'spec.strategy.rollingUpdate';
  switch (strategy?.type) {
    case 'Recreate':
      return rolling === undefined ? [] : [forbidden(path, "may not be specified when strategy `type` is 'Recreate'")];
    case 'RollingUpdate': {
      if (rolling === undefined) return [required(path, 'this should be defaulted and never be nil')];
      const { maxSurge, maxUnavailable } = rolling;
      const errors = [
        ...countOrPercent(maxUnavailable, `${path}.maxUnavailable`),
        ...countOrPercent(maxSurge, `${path}.maxSurge`),
      ].reverse();
      if (scaledCount(maxSurge ?? 0, 100, true) === 0 && scaledCount(maxUnavailable ?? 0, 100, false) === 0) {
        errors.push(invalid(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
      }
      return errors.concat(notAbove100Percent(maxUnavailable, `${path}.maxUnavailable`));
    }
    default: {
      const shown = { Type: strategy?.type ?? '', RollingUpdate: rolling ?? null };
      return [notSupported('spec.strategy', shown, ['Recreate', 'RollingUpdate'])];
    }
  }
}

function validateReplicas(set: ReplicaSet, kind: string): FieldError[] {
  const spec = set.spec;
  const errors = [
    ...nonNegative(spec?.replicas, 'spec.replicas'),
    ...nonNegative(spec?.minReadySeconds, 'spec.minReadySeconds'),
  ];
  if (spec?.selector === undefined) errors.push(required('spec.selector'));
  else {
    errors.push(...validateSelector(spec.selector, 'spec.selector'));
    if (isEmptySelector(spec.selector))
      errors.push(invalid('spec.selector', spec.selector, 'empty selector is invalid for deployment'));
  }
  return errors.concat(validateTemplate(spec?.selector, spec?.template, kind));
}

function validateController(controller: ReplicationController): FieldError[] {
  const spec = controller.spec;
  const errors = nonNegative(spec?.minReadySeconds, 'spec.minReadySeconds');
  const selector = spec?.selector ?? {};
  if (Object.keys(selector).length === 0) errors.push(required('spec.selector'));
  errors.push(...nonNegative(spec?.replicas, 'spec.replicas'));
  if (spec?.template === undefined) return [...errors, required(template)];
  if (Object.keys(selector).length === 0) return errors.concat(templateErrors(spec.template, 'ReplicationController'));
  return errors.concat(validateTemplate({ matchLabels: selector }, spec.template, 'ReplicationController'));
}

function validateDaemonSet(set: DaemonSet): FieldError[] {
  const spec = set.spec;
  const errors = validateSelector(spec?.selector, 'spec.selector');
  if (spec?.selector === undefined) errors.push(required('spec.selector'));
  else if (isEmptySelector(spec.selector))
    errors.push(invalid('spec.selector', spec.selector, 'empty selector is invalid for daemonset'));
  errors.push(
    ...validateTemplate(spec?.selector, spec?.template, 'DaemonSet'),
    ...nonNegative(spec?.minReadySeconds, 'spec.minReadySeconds'),
  );
  const strategy = spec?.updateStrategy;
  const path = 'spec.updateStrategy.rollingUpdate';
  if (strategy?.type === 'RollingUpdate') {
    const { maxSurge = 0, maxUnavailable = 0 } = strategy.rollingUpdate ?? {};
    errors.push(...countOrPercent(maxUnavailable, `${path}.maxUnavailable`), ...countOrPercent(maxSurge, `${path}.maxSurge`));
    const [unavailable, surge] = [scaledCount(maxUnavailable, 100, true) ?? 0, scaledCount(maxSurge, 100, true) ?? 0];
    if (unavailable > 0 && surge > 0)
      errors.push(invalid(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
    if (unavailable === 0 && surge === 0) errors.push(required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  } else if (strategy?.type !== 'OnDelete') {
    const shown = { Type: strategy?.type ?? '', RollingUpdate: strategy?.rollingUpdate ?? null };
    errors.push(notSupported('spec.updateStrategy', shown, ['RollingUpdate', 'OnDelete']));
  }
  return errors.concat(nonNegative(spec?.revisionHistoryLimit, 'spec.revisionHistoryLimit'));
}

/** The template's pods have the volumes of the claims too, before their own, and in the place of one of that name. */
function withClaimedVolumes(spec: StatefulSetSpec | undefined): PodTemplateSpec | undefined {
  const claims = spec?.volumeClaimTemplates ?? [];
  if (spec?.template?.spec === undefined || claims.length === 0) return spec?.template;
  const names = new Set(claims.map(({ metadata }) => metadata?.name ?? ''));
  const claimed = [...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const own = (spec.template.spec.volumes ?? []).filter(({ name }) => !names.has(name));
  return { ...spec.template, spec: { ...spec.template.spec, volumes: [...claimed, ...own] } };
}

function validateNewStatefulSet(set: StatefulSet): FieldError[] {
  const claims = set.spec?.volumeClaimTemplates ?? [];
  const errors = claims.flatMap(({ spec }, index) => validateClaimSpec(spec ?? {}, `spec.volumeClaimTemplates[${index}].spec`));
  return [...errors, ...validateStatefulSet(set)];
}

function validateStatefulSet(set: StatefulSet): FieldError[] {
  const spec = set.spec;
  const errors: FieldError[] = [];
  const policy = spec?.podManagementPolicy ?? '';
  if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    errors.push(invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  const strategy = spec?.updateStrategy;
  if (strategy?.type === 'OnDelete') {
    if (strategy.rollingUpdate !== undefined) {
      errors.push(
        invalid('spec.updateStrategy.rollingUpdate', strategy.rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"),
      );
    }
  } else if (strategy?.type === 'RollingUpdate') {
    errors.push(...nonNegative(strategy.rollingUpdate?.partition, 'spec.updateStrategy.rollingUpdate.partition'));
  } else {
    const shown = { Type: strategy?.type ?? '', RollingUpdate: strategy?.rollingUpdate ?? null };
    errors.push(invalid('spec.updateStrategy', shown, "must be 'RollingUpdate' or 'OnDelete'"));
  }
  errors.push(...nonNegative(spec?.replicas, 'spec.replicas'), ...nonNegative(spec?.minReadySeconds, 'spec.minReadySeconds'));
  if (spec?.selector === undefined) errors.push(required('spec.selector'));
  else {
    errors.push(...validateSelector(spec.selector, 'spec.selector'));
    if (isEmptySelector(spec.selector))
      errors.push(invalid('spec.selector', spec.selector, 'empty selector is invalid for statefulset'));
  }
  return errors.concat(validateTemplate(spec?.selector, withClaimedVolumes(spec), 'StatefulSet'));
}

const statefulSetMutable =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

function validateStatefulSetUpdate(set: StatefulSet, old: StatefulSet): FieldError[] {
  const errors = validateStatefulSet(set);
  const fixed = (object: StatefulSet): unknown => {
    const { selector, serviceName, podManagementPolicy, volumeClaimTemplates = [] } = object.spec ?? {};
    return {
      selector,
      serviceName,
      podManagementPolicy,
      claims: volumeClaimTemplates.map(({ status: _status, ...claim }) => claim),
    };
  };
  if (!semanticEqual(fixed(set), fixed(old))) errors.push(forbidden('spec', statefulSetMutable));
  return errors;
}

function validateJob(job: Job): FieldError[] {
  const spec = job.spec;
  const errors = validateJobSpec(spec, 'spec');
  if (spec?.selector === undefined) errors.push(required('spec.selector'));
  else errors.push(...validateSelector(spec.selector, 'spec.selector'));
  const labels = spec?.template.metadata?.labels;
  if (!matchesLabelSelector(spec?.selector, labels)) {
    errors.push(invalid(`${template}.metadata.labels`, goMap(labels), '`selector` does not match template `labels`'));
  }
  return errors;
}

/** A job's spec at `path`, without its selector. */
export function validateJobSpec(spec: JobSpec | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
  ] as const) {
    errors.push(...nonNegative(spec?.[field], `${path}.${field}`));
  }
  errors.push(...oneOf(spec?.completionMode, ['NonIndexed', 'Indexed'], `${path}.completionMode`));
  if (spec?.completionMode === 'Indexed' && spec.completions === undefined) {
    errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  }
  errors.push(...validatePodTemplate(spec?.template, `${path}.template`));
  const policy = spec?.template?.spec?.restartPolicy;
  if (policy === '' || policy === undefined || policy === 'Always') {
    errors.push(required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  } else if (policy !== 'OnFailure' && policy !== 'Never') {
    errors.push(notSupported(`${path}.template.spec.restartPolicy`, policy, ['OnFailure', 'Never']));
  }
  return errors;
}

function validateJobUpdate(job: Job, old: Job): FieldError[] {
  const errors = validateJob(job);
  const suspended = old.spec?.suspend === true && old.status?.startTime === undefined;
  for (const field of [
    'completions',
    'selector',
    'template',
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
  ] as const) {
    if (field === 'template' && suspended) continue;
    if (field === 'completions' && job.spec?.completionMode === 'Indexed') {
      errors.push(...completionsWithParallelism(job, old));
      continue;
    }
    if (!semanticEqual(job.spec?.[field], old.spec?.[field]))
      errors.push(invalid(`spec.${field}`, job.spec?.[field], immutable));
  }
  return errors;
}

/** An indexed job may grow or shrink while both numbers stay the same as each other. */
function completionsWithParallelism(job: Job, old: Job): FieldError[] {
  const { completions, parallelism } = job.spec ?? {};
  if (completions === old.spec?.completions || completions === parallelism) return [];
  return [invalid('spec.completions', completions, 'can only be modified in tandem with spec.parallelism')];
}
