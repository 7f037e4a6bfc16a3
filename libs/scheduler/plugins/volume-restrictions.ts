// VolumeRestrictions: a claim with the access mode ReadWriteOncePod is used by one pod at a time, and some disks by one pod of a node.
// Upstream: pkg/scheduler/framework/plugins/volumerestrictions
import type { Volume } from '@drydock/api/generated/types.ts';
import type { FilterPlugin, NodeFilter, Rejection } from '../framework.ts';
import type { NodeInfo, PodInfo } from '../node-info.ts';
import { claimKey, type VolumesKnown } from '../volumes-known.ts';

const name = 'VolumeRestrictions';

export function volumeRestrictions(known: VolumesKnown): FilterPlugin {
  return {
    name,
    begin(pod, cluster) {
      const { namespace } = pod.pod.metadata ?? {};
      const volumes = pod.pod.spec?.volumes ?? [];
      const alone = new Set<string>();
      for (const { persistentVolumeClaim } of volumes) {
        if (persistentVolumeClaim === undefined) continue;
        const key = claimKey(namespace, persistentVolumeClaim.claimName);
        const claim = known.claim(key);
        if (claim === undefined)
          return { unschedulable: `persistentvolumeclaim ${JSON.stringify(persistentVolumeClaim.claimName)} not found` };
        if (claim.spec?.accessModes?.includes('ReadWriteOncePod')) alone.add(key);
      }
      const disks = volumes.filter(isDisk);
      if (alone.size === 0 && disks.length === 0) return undefined;
      let users = 0;
      for (const key of alone) users += cluster.pods.usersOf(key);
      return new RestrictionFilter(alone, users, disks);
    },
    helps(event, pod) {
      if (event.kind === 'nodeAdded') return true;
      if (event.kind === 'claimChanged') return pod.claims.includes(event.key);
      if (event.kind !== 'podGone') return false;
      const disks = (pod.pod.spec?.volumes ?? []).filter(isDisk);
      return event.pod.claims.some((key) => pod.claims.includes(key)) || conflict(disks, event.pod);
    },
  };
}

class RestrictionFilter implements NodeFilter {
  readonly #alone: ReadonlySet<string>;
  readonly #disks: readonly Volume[];
  /** How often placed pods use one of the claims. */
  #users: number;
  readonly counting = {
    count: ({ claims }: PodInfo, _node: NodeInfo, sign: 1 | -1) => {
      this.#users += sign * claims.filter((key) => this.#alone.has(key)).length;
    },
    clone: () => new RestrictionFilter(this.#alone, this.#users, this.#disks),
  };

  constructor(alone: ReadonlySet<string>, users: number, disks: readonly Volume[]) {
    this.#alone = alone;
    this.#users = users;
    this.#disks = disks;
  }

  filter(node: NodeInfo): Rejection | undefined {
    if (this.#disks.length > 0)
      for (const other of node.pods.values()) if (conflict(this.#disks, other)) return reject('node(s) had no available disk');
    return this.#users > 0
      ? reject(
          'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
        )
      : undefined;
  }
}

function reject(reason: string): Rejection {
  return { plugin: name, reasons: [reason], unresolvable: false };
}

function isDisk({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume): boolean {
  return [gcePersistentDisk, awsElasticBlockStore, iscsi, rbd].some((source) => source !== undefined);
}

function conflict(disks: readonly Volume[], { pod }: PodInfo): boolean {
  return (pod.spec?.volumes ?? []).some((theirs) => disks.some((mine) => isSameDisk(mine, theirs)));
}

interface MayBeReadOnly {
  readonly readOnly?: boolean | undefined;
}

/** The same disk, and not read by both only. */
function isSameDisk(a: Volume, b: Volume): boolean {
  const writes = (left: MayBeReadOnly, right: MayBeReadOnly) => !(left.readOnly && right.readOnly);
  if (a.gcePersistentDisk && b.gcePersistentDisk)
    return a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName && writes(a.gcePersistentDisk, b.gcePersistentDisk);
  if (a.awsElasticBlockStore && b.awsElasticBlockStore)
    return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && writes(a.iscsi, b.iscsi);
  if (!a.rbd || !b.rbd) return false;
  const { monitors, pool, image } = a.rbd;
  const shares = b.rbd.monitors.some((monitor) => monitors.includes(monitor));
  return shares && (pool ?? 'rbd') === (b.rbd.pool ?? 'rbd') && image === b.rbd.image && writes(a.rbd, b.rbd);
}
