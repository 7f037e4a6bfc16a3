// Which traffic counts as coming from a pod of this node or cluster (--detect-local-mode), as words of a rule. Pure.

/** Words that match such traffic, and words that match all other. */
export interface LocalMatch {
  readonly is: string;
  readonly isNot: string;
}

export const localModes = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'] as const;
export type LocalMode = (typeof localModes)[number];

export interface LocalSettings {
  readonly mode: LocalMode;
  /** IPv4 range of the cluster's pods; empty where unknown. */
  readonly clusterCIDR: string;
  readonly bridgeInterface: string;
  readonly interfaceNamePrefix: string;
}

export const inCidr = (cidr: string): LocalMatch => ({ is: `ip saddr ${cidr}`, isNot: `ip saddr != ${cidr}` });

const fromInterface = (name: string): LocalMatch => ({ is: `iifname "${name}"`, isNot: `iifname != "${name}"` });

/** Undefined where it cannot be told. `nodeCIDR`: the IPv4 range of the node's pods, as its Node object has it. */
export function localMatch(settings: LocalSettings, nodeCIDR: string | undefined): LocalMatch | undefined {
  switch (settings.mode) {
    case 'ClusterCIDR':
      return settings.clusterCIDR === '' ? undefined : inCidr(settings.clusterCIDR);
    case 'NodeCIDR':
      return nodeCIDR === undefined ? undefined : inCidr(nodeCIDR);
    case 'BridgeInterface':
      return fromInterface(settings.bridgeInterface);
    case 'InterfaceNamePrefix':
      return fromInterface(`${settings.interfaceNamePrefix}*`);
  }
}
