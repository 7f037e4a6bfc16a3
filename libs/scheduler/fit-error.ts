// The sentence that tells why a pod could not be placed, as upstream words it.
import type { Rejection } from './framework.ts';

/** `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu.`, without what preemption found. @param why no node can help, where that was clear first. */
export function fitErrorMessage(nodes: number, rejections: Iterable<Rejection>, why?: string): string {
  if (nodes === 0) return 'no nodes available to schedule pods';
  return `0/${nodes} nodes are available: ${why ?? countReasons(rejections)}.`;
}

/** `1 Insufficient cpu, 2 Too many pods`, in the order of the texts. */
export function countReasons(rejections: Iterable<Pick<Rejection, 'reasons'>>): string {
  const counts = new Map<string, number>();
  for (const rejection of rejections) {
    for (const reason of rejection.reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return Array.from(counts, ([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}
