// How long ago a node was heard of. Times are monotonic and begin with the first observation: a controller that was just
// started, or was paused, judges nobody by what it did not see.
import type { Lease, Node, NodeCondition } from '@drydock/api/generated/types.ts';

export interface NodeHealth {
  /** When a sign of life was last seen, in monotonic milliseconds. */
  readonly seenMs: number;
  /** What was seen, to recognise the next sign. */
  readonly signature: string;
  /** Whether the kubelet ever posted a Ready condition. */
  readonly reported: boolean;
}

export function readyCondition(node: Node): NodeCondition | undefined {
  return node.status?.conditions?.find((condition) => condition.type === 'Ready');
}

export function isNodeReady(node: Node): boolean {
  return readyCondition(node)?.status === 'True';
}

/**
 * The health after looking at a node and its lease. A renewed lease and a new heartbeat are signs of life; the Unknown status
 * that this controller itself writes is none.
 */
export function observeHealth(
  node: Node,
  lease: Lease | undefined,
  previous: NodeHealth | undefined,
  nowMs: number,
): NodeHealth {
  const ready = readyCondition(node);
  const ours = ready?.status === 'Unknown';
  const heartbeat = ready === undefined ? 'none' : ours ? 'unknown' : `${ready.status} ${ready.lastHeartbeatTime ?? ''}`;
  const signature = `${heartbeat} ${lease?.spec?.holderIdentity ?? ''} ${lease?.spec?.renewTime ?? ''}`;
  const reported = ready !== undefined && ready.reason !== 'NodeStatusNeverUpdated';
  if (previous === undefined) return { seenMs: nowMs, signature, reported };
  if (previous.signature === signature) return { ...previous, reported };
  const [before] = previous.signature.split(' ');
  const onlyMarked = ours && before !== 'unknown' && leasePart(previous.signature) === leasePart(signature);
  return { seenMs: onlyMarked ? previous.seenMs : nowMs, signature, reported };
}

function leasePart(signature: string): string {
  return signature.split(' ').slice(-2).join(' ');
}
