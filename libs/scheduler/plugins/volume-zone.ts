// VolumeZone: a pod goes to the zone and region that the labels of its volumes name. Newer volumes say so by their node affinity.
// Upstream: pkg/scheduler/framework/plugins/volumezone
import { ownField } from '@drydock/api/json.ts';
import type { FilterPlugin } from '../framework.ts';
import type { PodInfo } from '../node-info.ts';
import type { VolumesKnown } from '../volumes-known.ts';

const name = 'VolumeZone';

/** Labels of a volume, with the one of nodes that says the same today. */
const topologyLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region': 'topology.kubernetes.io/region',
};

/** Between the zones of a volume that is in several. */
const separator = '__';

interface Topology {
  readonly key: string;
  readonly values: readonly string[];
}

export function volumeZone(known: VolumesKnown): FilterPlugin {
  return {
    name,
    begin(pod) {
      for (const key of pod.claims) {
        const volume = known.claim(key)?.spec?.volumeName;
        if (volume && known.volume(volume) === undefined)
          return { unschedulable: `persistentvolume ${JSON.stringify(volume)} not found` };
      }
      const wanted = topologiesOf(pod, known);
      if (wanted.length === 0) return undefined;
      return {
        filter({ labels }) {
          // A cluster of one zone may not name it.
          if (Object.keys(topologyLabels).every((key) => ownField(labels, key) === undefined)) return undefined;
          const fits = wanted.every(({ key, values }) =>
            values.includes(ownField(labels, key) ?? ownField(labels, topologyLabels[key] ?? key) ?? ''),
          );
          return fits ? undefined : { plugin: name, reasons: ['node(s) had no available volume zone'], unresolvable: true };
        },
      };
    },
    helps: (event, pod) =>
      event.kind === 'claimChanged'
        ? pod.claims.includes(event.key)
        : ['nodeAdded', 'nodeLabels', 'volumeChanged', 'storageClassChanged'].includes(event.kind),
  };
}

function topologiesOf({ claims }: PodInfo, known: VolumesKnown): Topology[] {
  return claims.flatMap((key) => {
    const labels = known.volume(known.claim(key)?.spec?.volumeName ?? '')?.metadata?.labels;
    return Object.keys(topologyLabels).flatMap((label) => {
      const value = ownField(labels, label);
      return value === undefined ? [] : [{ key: label, values: value.split(separator) }];
    });
  });
}
