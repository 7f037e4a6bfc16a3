// The ReplicaSet of the present template: found, brought up to date, or made.
import type { Deployment, ReplicaSet } from '@drydock/api/generated/types.ts';
import { deployments } from '@drydock/api/resource.ts';
import { controllerReference } from '../common/action.ts';
import { byCreation, nameOf, namespaceOf, sum } from '../common/object-meta.ts';
import { podTemplateHashLabel, sameTemplate, templateHash } from '../common/template-hash.ts';
import { nextRevision, revisionAnnotation, withDeploymentAnnotations, withRevision, withSizes } from './annotations.ts';
import { condition, findCondition, withCondition } from './conditions.ts';
import { type Draft, sizeOf } from './draft.ts';
import { progressDeadlineMs } from './limits.ts';
import { nextNewSize } from './rolling.ts';

/** The oldest ReplicaSet with the Deployment's template: should there be several, all rounds choose the same. */
export function findNewReplicaSet(deployment: Deployment, list: readonly ReplicaSet[]): ReplicaSet | undefined {
  const template = deployment.spec?.template;
  if (template === undefined) return undefined;
  return [...list].sort(byCreation).find((rs) => rs.spec?.template !== undefined && sameTemplate(rs.spec.template, template));
}

/** Brings revision, annotations and minReadySeconds of an existing one up to date; true where that is a write of its own. */
export function syncExisting(draft: Draft, rs: ReplicaSet): boolean {
  const revision = nextRevision(draft.oldRs);
  const before = rs.metadata?.annotations ?? {};
  const annotations = withRevision(withDeploymentAnnotations(draft.deployment, rs), revision);
  const minReadySeconds = draft.deployment.spec?.minReadySeconds ?? 0;
  const changed =
    Object.keys(annotations).some((key) => annotations[key] !== before[key]) ||
    (rs.spec?.minReadySeconds ?? 0) !== minReadySeconds;
  if (changed) {
    rs.metadata = { ...rs.metadata, annotations };
    rs.spec = { ...rs.spec, selector: rs.spec?.selector ?? {}, minReadySeconds };
  }
  draft.revision = annotations[revisionAnnotation] ?? draft.revision;
  const deadline = progressDeadlineMs(draft.deployment);
  if (deadline !== undefined && findCondition(draft.status, 'Progressing') === undefined) {
    const message = `Found new replica set "${nameOf(rs)}"`;
    draft.status = withCondition(draft.status, condition('Progressing', 'True', 'FoundNewReplicaSet', message, draft.nowMs));
  }
  return changed;
}

/** Plans the creation of the missing ReplicaSet, at the size a rollout may start with. */
export function createNew(draft: Draft): void {
  const rs = buildReplicaSet(draft.deployment);
  const size = nextNewSize(draft, 0, sum(draft.oldRs, sizeOf));
  const revision = nextRevision(draft.oldRs);
  const annotations = withRevision(withDeploymentAnnotations(draft.deployment, rs), revision);
  rs.metadata = { ...rs.metadata, annotations: withSizes(annotations, draft.wanted, draft.wanted + draft.surge) };
  rs.spec = { ...rs.spec, selector: rs.spec?.selector ?? {}, replicas: size };
  draft.create(rs);
  draft.revision = String(revision);
  if (progressDeadlineMs(draft.deployment) !== undefined) {
    const message = `Created new replica set "${nameOf(rs)}"`;
    draft.status = withCondition(draft.status, condition('Progressing', 'True', 'NewReplicaSetCreated', message, draft.nowMs));
  }
}

function buildReplicaSet(deployment: Deployment): ReplicaSet {
  const spec = deployment.spec;
  const template = spec?.template ?? {};
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [podTemplateHashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${nameOf(deployment)}-${hash}`,
      namespace: namespaceOf(deployment),
      labels,
      ownerReferences: [controllerReference(deployments, deployment)],
    },
    spec: {
      minReadySeconds: spec?.minReadySeconds,
      selector: { ...spec?.selector, matchLabels: { ...spec?.selector.matchLabels, [podTemplateHashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
