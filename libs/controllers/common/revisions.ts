// ControllerRevisions: the templates that a DaemonSet or StatefulSet has had, kept as objects so that a roll back finds them.
import type { ControllerRevision, PodTemplateSpec } from '@drydock/api/generated/types.ts';
import { controllerRevisions, type KubeObject, type Resource } from '@drydock/api/resource.ts';
import { type Action, controllerReference } from './action.ts';
import { semanticEqual } from './equality.ts';
import { creationMs, nameOf, namespaceOf } from './object-meta.ts';
import { hashOf } from './template-hash.ts';

/** The label by which pods tell from which revision they are. */
export const revisionHashLabel = 'controller-revision-hash';

/** Longest name of the owner within a revision's name, as upstream cuts it. */
const ownerNameMax = 223;

export interface RevisionOwner {
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly template: PodTemplateSpec;
  readonly collisionCount: number | undefined;
  /** The label that carries the hash on the revision itself: the two kinds of owners differ. */
  readonly hashLabel: string;
}

export interface RevisionPlan {
  /** What is to be written before anything else can be decided; undefined where `current` stands. */
  readonly action: Action | undefined;
  /** The revision of the present template; as it is to be created where `action` creates it. */
  readonly current: ControllerRevision;
  /** Oldest first. */
  readonly old: readonly ControllerRevision[];
}

interface TemplatePatch {
  readonly spec?: { readonly template?: PodTemplateSpec & { readonly $patch?: string } };
}

/** The template that a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { $patch: _replace, ...template } = (revision.data as TemplatePatch | undefined)?.spec?.template ?? {};
  return template;
}

/** Whether the revision holds this template. */
export function holdsTemplate(revision: ControllerRevision, template: PodTemplateSpec): boolean {
  return semanticEqual(templateOf(revision), template);
}

/** By revision, then age, then name: a total order. */
export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  return a.revision - b.revision || creationMs(a) - creationMs(b) || (nameOf(a) < nameOf(b) ? -1 : 1);
}

/**
 * Which revision is the present one: the newest that holds the template, moved to the end where it is an older one that came
 * back, or a new one. Recognised by content, so that the hashes of another implementation stay valid.
 */
export function planRevision(owner: RevisionOwner, revisions: readonly ControllerRevision[]): RevisionPlan {
  const sorted = [...revisions].sort(byRevision);
  const equal = sorted.findLast((revision) => holdsTemplate(revision, owner.template));
  const old = sorted.filter((revision) => revision !== equal);
  const next = (old.at(-1)?.revision ?? 0) + 1;
  if (equal === undefined) {
    const current = newRevision(owner, next);
    return { action: { verb: 'create', resource: controllerRevisions, object: current }, current, old };
  }
  if (equal === sorted.at(-1)) return { action: undefined, current: equal, old };
  const current = { ...equal, revision: next };
  return { action: { verb: 'update', resource: controllerRevisions, object: current }, current, old };
}

function newRevision(owner: RevisionOwner, revision: number): ControllerRevision {
  const { object, template, hashLabel } = owner;
  const data = { spec: { template: { ...template, $patch: 'replace' } } };
  const hash = hashOf(data, owner.collisionCount);
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${nameOf(object).slice(0, ownerNameMax)}-${hash}`,
      namespace: namespaceOf(object),
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      ...(object.metadata?.annotations === undefined ? {} : { annotations: object.metadata.annotations }),
      ownerReferences: [controllerReference(owner.resource, object)],
    },
    data,
    revision,
  };
}

/** Deletes the oldest of `old` that nothing uses any more, beyond `limit` of them (history limit). */
export function planHistoryCleanup(
  old: readonly ControllerRevision[],
  limit: number,
  isLive: (revision: ControllerRevision) => boolean,
): Action[] {
  const unused = [...old].sort(byRevision).filter((revision) => !isLive(revision));
  return unused.slice(0, Math.max(0, unused.length - limit)).map((revision) => ({
    verb: 'delete',
    resource: controllerRevisions,
    key: { namespace: namespaceOf(revision), name: nameOf(revision) },
    preconditions: { uid: revision.metadata?.uid ?? '' },
  }));
}
