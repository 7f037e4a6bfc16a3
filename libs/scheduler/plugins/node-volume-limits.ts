// NodeVolumeLimits: no node gets more volumes of a driver than its CSINode says it can have.
// https://kubernetes.io/docs/concepts/storage/storage-limits/ ; upstream: pkg/scheduler/framework/plugins/nodevolumelimits
import { classOfClaim } from '@drydock/api/storage/classes.ts';
import type { FilterPlugin, Rejection } from '../framework.ts';
import type { NodeInfo, PodInfo } from '../node-info.ts';
import type { VolumesKnown } from '../volumes-known.ts';

const name = 'NodeVolumeLimits';

export function nodeVolumeLimits(known: VolumesKnown): FilterPlugin {
  return {
    name,
    begin(pod) {
      const wanted = volumesOf(pod, known);
      return wanted.size === 0 ? undefined : { filter: (node) => exceeded(wanted, node, known) };
    },
    helps(event, pod) {
      switch (event.kind) {
        case 'csiNodeChanged':
        case 'nodeAdded':
        case 'attachmentGone':
          return true;
        case 'claimChanged':
          return pod.claims.includes(event.key);
        case 'podGone':
          return event.pod.claims.length > 0;
        default:
          return false;
      }
    },
  };
}

function exceeded(wanted: ReadonlyMap<string, string>, node: NodeInfo, known: VolumesKnown): Rejection | undefined {
  const limits = new Map<string, number>();
  for (const { name: driver, allocatable } of known.csiNode(node.name)?.spec.drivers ?? [])
    if (allocatable?.count !== undefined) limits.set(driver, allocatable.count);
  if (limits.size === 0) return undefined;
  const there = new Map<string, string>();
  for (const other of node.pods.values()) for (const [volume, driver] of volumesOf(other, known)) there.set(volume, driver);
  for (const { spec } of known.attachmentsOf(node.name)) {
    const handle = known.volume(spec.source.persistentVolumeName ?? '')?.spec?.csi?.volumeHandle;
    if (handle !== undefined) there.set(`${spec.attacher}/${handle}`, spec.attacher);
  }
  const counts = new Map<string, number>();
  for (const driver of new Map([...there, ...wanted]).values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
  const more = new Set([...wanted].filter(([volume]) => !there.has(volume)).map(([, driver]) => driver));
  for (const driver of more)
    if ((counts.get(driver) ?? 0) > (limits.get(driver) ?? Number.POSITIVE_INFINITY))
      return { plugin: name, reasons: ['node(s) exceed max volume count'], unresolvable: false };
  return undefined;
}

/** The drivers of the pod's volumes, by what makes each volume one; a claim without a volume counts as one that its class will make. */
function volumesOf({ claims }: PodInfo, known: VolumesKnown): Map<string, string> {
  const volumes = new Map<string, string>();
  for (const key of claims) {
    const claim = known.claim(key);
    if (claim === undefined) continue;
    const csi = known.volume(claim.spec?.volumeName ?? '')?.spec?.csi;
    const provisioner = known.storageClass(classOfClaim(claim))?.provisioner;
    if (csi !== undefined) volumes.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
    else if (!claim.spec?.volumeName && provisioner !== undefined) volumes.set(`${provisioner}/${key}`, provisioner);
  }
  return volumes;
}
