// Workloads of extensions/v1beta1, apps/v1beta1 and apps/v1beta2.
import { isObject, type JsonObject } from '../json.ts';
import type { Warn } from './convert.ts';
import { fillIn, objectAt } from './fields.ts';

/** What extensions/v1beta1 meant by `as many as there are` and `without an end`. */
const int32Max = 2_147_483_647;

export function deployment(object: JsonObject, from: string, warn: Warn): void {
  const spec = objectAt(object, 'spec');
  selectOwnPods(spec, from);
  if (from === 'extensions/v1beta1') {
    fillIn(spec, { progressDeadlineSeconds: int32Max, revisionHistoryLimit: int32Max });
    oneAtATime(spec);
  } else if (from === 'apps/v1beta1') fillIn(spec, { revisionHistoryLimit: 2 });
  if (spec.rollbackTo !== undefined) {
    delete spec.rollbackTo;
    warn('spec.rollbackTo is gone: use kubectl rollout undo');
  }
}

export function daemonSet(object: JsonObject, from: string): void {
  const spec = objectAt(object, 'spec');
  selectOwnPods(spec, from);
  if (from === 'extensions/v1beta1') fillIn(spec, { updateStrategy: { type: 'OnDelete' } });
  delete spec.templateGeneration;
}

export function replicaSet(object: JsonObject, from: string): void {
  selectOwnPods(objectAt(object, 'spec'), from);
}

export function statefulSet(object: JsonObject, from: string): void {
  const spec = objectAt(object, 'spec');
  selectOwnPods(spec, from);
  if (from === 'apps/v1beta1') fillIn(spec, { updateStrategy: { type: 'OnDelete' } });
}

/** A selector could be left out in these versions: it was that of the template's labels. */
function selectOwnPods(spec: JsonObject, from: string): void {
  if (from === 'apps/v1beta2') return;
  const { labels } = objectAt(objectAt(spec, 'template'), 'metadata');
  if (isObject(labels)) fillIn(spec, { selector: { matchLabels: { ...labels } } });
}

/** Rolling updates went pod by pod where apps/v1 has a quarter. */
function oneAtATime(spec: JsonObject): void {
  const strategy = objectAt(spec, 'strategy');
  if (strategy.type !== undefined && strategy.type !== 'RollingUpdate') return;
  const rollingUpdate = { maxSurge: 1, maxUnavailable: 1, ...objectAt(strategy, 'rollingUpdate') };
  spec.strategy = { ...strategy, type: 'RollingUpdate', rollingUpdate };
}
