// core/v1 Event and events.k8s.io/v1 Event: the same record under two sets of names.
import type { JsonObject } from '../json.ts';
import type { KubeObject } from '../resource.ts';

/** Name in core/v1, name in events.k8s.io/v1. */
const names: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

/** The event under the names of group version `to`. */
export function convertEvent(object: KubeObject, to: string): KubeObject {
  const result: JsonObject = { ...object, apiVersion: to };
  for (const [core, events] of names) {
    const [from, into] = to === 'v1' ? [events, core] : [core, events];
    if (result[from] === undefined) continue;
    result[into] = result[from];
    delete result[from];
  }
  return result as KubeObject;
}
