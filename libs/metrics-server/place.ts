// Where the figures of a node are asked for (metrics-server: pkg/scraper/client/resource/client.go, pkg/utils/address_resolver.go). Pure.
import type { Node } from '@drydock/api/generated/types.ts';

export interface KubeletPlace {
  readonly host: string;
  readonly port: number;
  /** As in a URL. */
  readonly path: string;
}

export interface PlaceOptions {
  /** --kubelet-preferred-address-types: the first of them that a node has. */
  readonly addressTypes: readonly string[];
  /** --kubelet-port. */
  readonly port: number;
  /** --kubelet-use-node-status-port: the one that the node says, where it says one. */
  readonly useNodeStatusPort: boolean;
}

const pathAnnotation = 'metrics.k8s.io/resource-metrics-path';
const usualPath = '/metrics/resource';

/** A text where the node has no address of those types. */
export function placeOf({ metadata, status }: Node, options: PlaceOptions): KubeletPlace | string {
  const { addressTypes, port, useNodeStatusPort } = options;
  const addresses = status?.addresses ?? [];
  const [host] = addressTypes.flatMap((type) => addresses.filter((each) => each.type === type).map(({ address }) => address));
  if (host === undefined) return `no address matched types [${addressTypes.join(' ')}]`;
  const told = useNodeStatusPort ? (status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0) : 0;
  const path = metadata?.annotations?.[pathAnnotation] || usualPath;
  return { host, port: told === 0 ? port : told, path: escaped(path.startsWith('/') ? path : `/${path}`) };
}

/** Of a node's own saying: nothing in it ends the path. */
function escaped(path: string): string {
  return encodeURI(path.toWellFormed()).replace(/[?#]/g, encodeURIComponent);
}
