// What a claim's volume is filled with: two fields that say the same, one of them older (upstream's NormalizeDataSources,
// EnforceDataSourceBackwardsCompatibility and dropDisabledFields of pkg/api/persistentvolumeclaim).
import type { PersistentVolumeClaimSpec, TypedLocalObjectReference } from '../generated/types.ts';

/** What the older field may name: a claim, or a snapshot. */
function isClaimOrSnapshot({ apiGroup, kind }: TypedLocalObjectReference): boolean {
  if (!apiGroup) return kind === 'PersistentVolumeClaim';
  return apiGroup === 'snapshot.storage.k8s.io' && kind === 'VolumeSnapshot';
}

/**
 * Makes both say it, in place. What the older field may not name is left out, and a source in another namespace, whose gate is off,
 * too, unless `old` had such a one.
 */
export function normalizeDataSources(spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec = {}): void {
  const hadOther = old.dataSource !== undefined && !isClaimOrSnapshot(old.dataSource);
  if (spec.dataSource !== undefined && !isClaimOrSnapshot(spec.dataSource) && spec.dataSourceRef === undefined && !hadOther)
    delete spec.dataSource;
  if (spec.dataSourceRef?.namespace && !old.dataSourceRef?.namespace) delete spec.dataSourceRef;
  if (spec.dataSource !== undefined && spec.dataSourceRef === undefined) spec.dataSourceRef = { ...spec.dataSource };
  else if (spec.dataSourceRef !== undefined && spec.dataSource === undefined && !spec.dataSourceRef.namespace)
    spec.dataSource = { ...spec.dataSourceRef };
}
