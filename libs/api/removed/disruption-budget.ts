// PodDisruptionBudget of policy/v1beta1.
import { isObject, type JsonObject } from '../json.ts';
import { objectAt } from './fields.ts';

/** A label that no pod has: how upstream says none and all in the version where an empty selector meant none. */
const noPodHas = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match';

/** An empty selector was of no pods; now it is of all pods of the namespace. */
export function disruptionBudget(object: JsonObject): void {
  const spec = objectAt(object, 'spec');
  const { selector } = spec;
  if (!isObject(selector)) return;
  const labels = Object.keys(objectAt(selector, 'matchLabels')).length;
  const expressions = Array.isArray(selector.matchExpressions) ? selector.matchExpressions : [];
  if (labels > 0) return;
  const [only] = expressions;
  if (expressions.length === 0) spec.selector = { matchExpressions: [{ key: noPodHas, operator: 'Exists' }] };
  else if (expressions.length === 1 && isObject(only) && only.key === noPodHas && only.operator === 'DoesNotExist')
    spec.selector = {};
}
