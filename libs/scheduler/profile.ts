// The default profile: plugins in upstream's order, which is also the order in which a node's first rejection is reported.
import type { Profile } from './framework.ts';
import { balancedAllocation } from './plugins/balanced-allocation.ts';
import { nodeAffinityFilter, nodeAffinityScore } from './plugins/node-affinity.ts';
import { nodeName } from './plugins/node-name.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { leastAllocated, nodeResourcesFit } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import { taintTolerationFilter, taintTolerationScore } from './plugins/taint-toleration.ts';
import { VolumeBinding } from './plugins/volume-binding.ts';
import { VolumesKnown } from './volumes-known.ts';

export function defaultProfile(
  schedulerName = 'default-scheduler',
  percentageOfNodesToScore = 0,
  known: VolumesKnown = new VolumesKnown(),
): Profile {
  const volumes = new VolumeBinding(known);
  return {
    schedulerName,
    percentageOfNodesToScore,
    filters: [nodeUnschedulable, nodeName, taintTolerationFilter, nodeAffinityFilter, nodePorts, nodeResourcesFit, volumes],
    volumes,
    scores: [taintTolerationScore, nodeAffinityScore, leastAllocated, balancedAllocation],
  };
}
