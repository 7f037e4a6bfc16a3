// Fields whose feature gate is off: a write loses them, unless the object used them already (upstream's dropDisabledFields of each
// strategy).
import { isObject, type JsonObject } from './json.ts';
import { podTemplatePath } from './pod-specs.ts';
import { groupResourceOf, type KubeObject } from './resource.ts';
import type { ResourceInfo } from './scheme.ts';

export type FieldGate =
  | 'HPAConfigurableTolerance'
  | 'MaxUnavailableStatefulSet'
  | 'ClusterTrustBundleProjection'
  | 'PodCertificateRequest'
  | 'VolumeLimitScaling';

/** Field names from the object down; `[]` stands for every item of a list. */
type Path = readonly string[];

interface GatedField {
  readonly gate: FieldGate;
  readonly path: Path;
}

const ofPods: readonly GatedField[] = [
  { gate: 'ClusterTrustBundleProjection', path: 'volumes.[].projected.sources.[].clusterTrustBundle'.split('.') },
  { gate: 'PodCertificateRequest', path: 'volumes.[].projected.sources.[].podCertificate'.split('.') },
];

const ofKinds: ReadonlyMap<string, readonly GatedField[]> = new Map([
  [
    'csidrivers.storage.k8s.io',
    [{ gate: 'VolumeLimitScaling', path: ['spec', 'preventPodSchedulingIfMissing'] }] as readonly GatedField[],
  ],
  [
    'horizontalpodautoscalers.autoscaling',
    ['scaleUp', 'scaleDown'].map((rules) => ({
      gate: 'HPAConfigurableTolerance',
      path: ['spec', 'behavior', rules, 'tolerance'],
    })),
  ],
  [
    'statefulsets.apps',
    [{ gate: 'MaxUnavailableStatefulSet', path: ['spec', 'updateStrategy', 'rollingUpdate', 'maxUnavailable'] }],
  ],
]);

/** Every gate that a field here hangs on. */
export const fieldGates: readonly FieldGate[] = [
  ...new Set([...ofPods, ...[...ofKinds.values()].flat()].map(({ gate }) => gate)),
];

/** Takes out of `object`, in place, what its gate forbids, where `old`, if there is one, uses nothing of that gate. */
export function dropDisabledFields(
  info: ResourceInfo,
  object: KubeObject,
  old: KubeObject | undefined,
  enabled: (gate: FieldGate) => boolean,
): void {
  const name = groupResourceOf(info);
  const template = podTemplatePath(name);
  const own = ofKinds.get(name) ?? [];
  const fields =
    template === undefined ? own : [...own, ...ofPods.map((each) => ({ ...each, path: [...template, 'spec', ...each.path] }))];
  const forbidden = fields.filter(({ gate }) => !enabled(gate));
  const used = new Set(forbidden.filter(({ path }) => holders(old, path).length > 0).map(({ gate }) => gate));
  for (const { gate, path } of forbidden) {
    if (used.has(gate)) continue;
    for (const holder of holders(object as JsonObject, path)) delete holder[path.at(-1) ?? ''];
  }
}

/** The objects that have the last field of the path. */
function holders(value: unknown, path: Path): JsonObject[] {
  const [first = '', ...rest] = path;
  if (first === '[]') return Array.isArray(value) ? value.flatMap((item) => holders(item, rest)) : [];
  if (!isObject(value) || value[first] === undefined) return [];
  return rest.length === 0 ? [value] : holders(value[first], rest);
}
