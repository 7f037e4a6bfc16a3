// Profiles: which plugins decide about the pods of one scheduler's name. The default is upstream's, in its order, which is also the
// order in which a node's first rejection is reported.
import type { FilterPlugin, Profile, ScorePlugin } from './framework.ts';
import { balancedAllocation } from './plugins/balanced-allocation.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { interPodAffinity } from './plugins/inter-pod-affinity.ts';
import {
  defaultInterPodAffinityArgs,
  type InterPodAffinityArgs,
  interPodAffinityScore,
} from './plugins/inter-pod-affinity-score.ts';
import { nodeAffinityFilter, nodeAffinityScore } from './plugins/node-affinity.ts';
import { nodeName } from './plugins/node-name.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { leastAllocated, nodeResourcesFit } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import { nodeVolumeLimits } from './plugins/node-volume-limits.ts';
import { defaultPodTopologySpreadArgs, type PodTopologySpreadArgs, podTopologySpread } from './plugins/pod-topology-spread.ts';
import { podTopologySpreadScore } from './plugins/pod-topology-spread-score.ts';
import { taintTolerationFilter, taintTolerationScore } from './plugins/taint-toleration.ts';
import { defaultBindTimeoutMs, VolumeBinding } from './plugins/volume-binding.ts';
import { volumeRestrictions } from './plugins/volume-restrictions.ts';
import { volumeZone } from './plugins/volume-zone.ts';
import { VolumesKnown } from './volumes-known.ts';
import { WorkloadsKnown } from './workloads-known.ts';

/** What the plugins of all profiles know of the cluster beside nodes and pods. */
export interface Known {
  readonly volumes: VolumesKnown;
  readonly workloads: WorkloadsKnown;
}

export interface PluginArgs {
  readonly interPodAffinity: InterPodAffinityArgs;
  readonly podTopologySpread: PodTopologySpreadArgs;
  readonly bindTimeoutMs: number;
}

/** One profile of the configuration. */
export interface ProfileConfig {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number;
  /** Names of the plugins that filter. */
  readonly filters: readonly string[];
  /** Weights of the plugins that score, by name. */
  readonly scores: ReadonlyMap<string, number>;
  readonly gates: boolean;
  readonly preempts: boolean;
  readonly args: PluginArgs;
}

/** Names of upstream's plugins that filter. DynamicResources is not here: without claims of devices it has nothing to say. */
export const filterNames = [
  'NodeUnschedulable',
  'NodeName',
  'TaintToleration',
  'NodeAffinity',
  'NodePorts',
  'NodeResourcesFit',
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeBinding',
  'VolumeZone',
  'PodTopologySpread',
  'InterPodAffinity',
] as const;

/** Upstream's weights of the plugins that score. */
export const scoreWeights = {
  TaintToleration: 3,
  NodeAffinity: 2,
  NodeResourcesFit: 1,
  PodTopologySpread: 2,
  InterPodAffinity: 2,
  NodeResourcesBalancedAllocation: 1,
  ImageLocality: 1,
} as const;

export const defaultPluginArgs: PluginArgs = {
  interPodAffinity: defaultInterPodAffinityArgs,
  podTopologySpread: defaultPodTopologySpreadArgs,
  bindTimeoutMs: defaultBindTimeoutMs,
};

export const defaultProfileConfig: ProfileConfig = {
  schedulerName: 'default-scheduler',
  percentageOfNodesToScore: 0,
  filters: filterNames,
  scores: new Map(Object.entries(scoreWeights)),
  gates: true,
  preempts: true,
  args: defaultPluginArgs,
};

export function emptyKnown(): Known {
  return { volumes: new VolumesKnown(), workloads: new WorkloadsKnown() };
}

export function profileOf(config: ProfileConfig, known: Known): Profile {
  const { args } = config;
  const binding = new VolumeBinding(known.volumes, args.bindTimeoutMs);
  const filters: Record<(typeof filterNames)[number], FilterPlugin> = {
    NodeUnschedulable: nodeUnschedulable,
    NodeName: nodeName,
    TaintToleration: taintTolerationFilter,
    NodeAffinity: nodeAffinityFilter,
    NodePorts: nodePorts,
    NodeResourcesFit: nodeResourcesFit,
    VolumeRestrictions: volumeRestrictions(known.volumes),
    NodeVolumeLimits: nodeVolumeLimits(known.volumes),
    VolumeBinding: binding,
    VolumeZone: volumeZone(known.volumes),
    PodTopologySpread: podTopologySpread(args.podTopologySpread, known.workloads),
    InterPodAffinity: interPodAffinity,
  };
  const scores: Record<keyof typeof scoreWeights, ScorePlugin> = {
    TaintToleration: taintTolerationScore,
    NodeAffinity: nodeAffinityScore,
    NodeResourcesFit: leastAllocated,
    PodTopologySpread: podTopologySpreadScore(args.podTopologySpread, known.workloads),
    InterPodAffinity: interPodAffinityScore(args.interPodAffinity),
    NodeResourcesBalancedAllocation: balancedAllocation,
    ImageLocality: imageLocality,
  };
  return {
    schedulerName: config.schedulerName,
    percentageOfNodesToScore: config.percentageOfNodesToScore,
    filters: filterNames.filter((name) => config.filters.includes(name)).map((name) => filters[name]),
    volumes: config.filters.includes(binding.name) ? binding : undefined,
    scores: Object.values(scores).flatMap((plugin) => {
      const weight = config.scores.get(plugin.name);
      return weight === undefined ? [] : [{ plugin, weight }];
    }),
    gates: config.gates,
    preempts: config.preempts,
  };
}

export function defaultProfile(known: Known = emptyKnown(), more: Partial<ProfileConfig> = {}): Profile {
  return profileOf({ ...defaultProfileConfig, ...more }, known);
}
