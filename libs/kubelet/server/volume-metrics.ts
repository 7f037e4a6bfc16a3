// kubelet_volume_stats_*: how full the volumes of claims are: pure (pkg/kubelet/metrics/collectors/volume_stats.go).
import type { PodVolumeStats, Usage } from '../volumes/csi/volume-stats.ts';
import { family, type Sample } from './metric-family.ts';

const families: readonly [name: string, help: string, of: (stats: PodVolumeStats) => number | undefined][] = [
  ['capacity_bytes', 'Capacity in bytes of the volume', ({ bytes }) => bytes?.total],
  ['available_bytes', 'Number of available bytes in the volume', ({ bytes }) => bytes?.available],
  ['used_bytes', 'Number of used bytes in the volume', ({ bytes }) => bytes?.used],
  ['inodes', 'Maximum number of inodes in the volume', ({ inodes }) => inodes?.total],
  ['inodes_free', 'Number of free inodes in the volume', ({ inodes }) => inodes?.available],
  ['inodes_used', 'Number of used inodes in the volume', ({ inodes }) => inodes?.used],
];

/** A claim that several pods have is told once. */
export function volumeMetrics(stats: readonly PodVolumeStats[]): string {
  const byClaim = new Map<string, PodVolumeStats>();
  for (const each of stats) {
    if (each.claim === undefined) continue;
    const { namespace, name } = each.claim;
    byClaim.set(`{namespace=${JSON.stringify(namespace)},persistentvolumeclaim=${JSON.stringify(name)}}`, each);
  }
  return families
    .map(([name, help, of]) => {
      const samples = [...byClaim].flatMap(([labels, each]): Sample[] => {
        const value = of(each);
        return value === undefined ? [] : [{ labels, value }];
      });
      return family(`kubelet_volume_stats_${name}`, 'gauge', `[ALPHA] ${help}`, samples);
    })
    .join('');
}

/** As /stats/summary has a volume (stats.k8s.io VolumeStats). */
export function volumeSummary({ volume, claim, time, bytes, inodes }: PodVolumeStats): object {
  const of = (usage: Usage | undefined, available: string, total: string, used: string): object =>
    usage === undefined ? {} : { [available]: usage.available, [total]: usage.total, [used]: usage.used };
  return {
    time,
    ...of(bytes, 'availableBytes', 'capacityBytes', 'usedBytes'),
    ...of(inodes, 'inodesFree', 'inodes', 'inodesUsed'),
    name: volume,
    ...(claim === undefined ? {} : { pvcRef: claim }),
  };
}
