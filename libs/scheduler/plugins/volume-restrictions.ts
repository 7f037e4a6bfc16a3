// VolumeRestrictions: a claim with the access mode ReadWriteOncePod is used by one pod at a time, and some disks by one pod of a node.
// Upstream: pkg/scheduler/framework/plugins/volumerestrictions
import type { Pod } from '@drydock/api/generated/types.ts';
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
      const disks = new Disks(pod);
      if (alone.size === 0 && disks.isEmpty) return undefined;
      let users = 0;
      for (const key of alone) users += cluster.pods.usersOf(key);
      return new RestrictionFilter(alone, users, disks);
    },
    helps(event, pod) {
      if (event.kind === 'nodeAdded') return true;
      if (event.kind === 'claimChanged') return pod.claims.includes(event.key);
      if (event.kind !== 'podGone') return false;
      const theirs = new Set(event.pod.claims);
      return pod.claims.some((key) => theirs.has(key)) || new Disks(pod).conflictWith(event.pod);
    },
  };
}

class RestrictionFilter implements NodeFilter {
  readonly #alone: ReadonlySet<string>;
  readonly #disks: Disks;
  /** How often placed pods use one of the claims. */
  #users: number;
  readonly counting = {
    count: ({ claims }: PodInfo, _node: NodeInfo, sign: 1 | -1) => {
      this.#users += sign * claims.filter((key) => this.#alone.has(key)).length;
    },
    clone: () => new RestrictionFilter(this.#alone, this.#users, this.#disks),
    cost: ({ claims }: PodInfo) => claims.length,
  };

  constructor(alone: ReadonlySet<string>, users: number, disks: Disks) {
    this.#alone = alone;
    this.#users = users;
    this.#disks = disks;
  }

  filter(node: NodeInfo): Rejection | undefined {
    if (!this.#disks.isEmpty)
      for (const other of node.pods.values())
        if (this.#disks.conflictWith(other)) return reject('node(s) had no available disk');
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

/** The disks of a pod that are used by one pod of a node, by what makes each one. */
class Disks {
  /** Whether every use of it is read-only. */
  readonly #isReadOnly = new Map<string, boolean>();

  constructor({ pod }: PodInfo) {
    for (const [key, readOnly] of disksOf(pod)) this.#isReadOnly.set(key, readOnly && this.#isReadOnly.get(key) !== false);
  }

  get isEmpty(): boolean {
    return this.#isReadOnly.size === 0;
  }

  /** Whether the other has one of them, too, unless both only read it. */
  conflictWith({ pod }: PodInfo): boolean {
    if (this.isEmpty) return false;
    for (const [key, readOnly] of disksOf(pod)) {
      const mine = this.#isReadOnly.get(key);
      if (mine !== undefined && !(mine && readOnly)) return true;
    }
    return false;
  }
}

/** What a disk is known by, with whether it is only read. Those of AWS are in one place even then. */
function* disksOf({ spec }: Pod): Iterable<readonly [string, boolean]> {
  for (const { gcePersistentDisk: gce, awsElasticBlockStore: aws, iscsi, rbd } of spec?.volumes ?? []) {
    if (gce !== undefined) yield [`gce ${gce.pdName}`, gce.readOnly === true];
    if (aws !== undefined) yield [`aws ${aws.volumeID}`, false];
    if (iscsi !== undefined) yield [`iscsi ${iscsi.iqn}`, iscsi.readOnly === true];
    // The same image by way of any monitor that both know.
    for (const monitor of rbd?.monitors ?? [])
      yield [JSON.stringify(['rbd', monitor, rbd?.pool ?? 'rbd', rbd?.image]), rbd?.readOnly === true];
  }
}
