// PriorityLevelConfiguration of flowcontrol.apiserver.k8s.io before v1beta3, which called its shares assured.
import type { JsonObject } from '../json.ts';
import { objectAt, renameField } from './fields.ts';

export function priorityLevel(object: JsonObject): void {
  renameField(objectAt(objectAt(object, 'spec'), 'limited'), 'assuredConcurrencyShares', 'nominalConcurrencyShares');
}
