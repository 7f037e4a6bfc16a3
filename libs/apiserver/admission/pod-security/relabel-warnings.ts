// What is told to whoever asks more of a namespace than its pods have.
import type { Pod } from '@drydock/api/generated/types.ts';
import { evaluate } from './evaluate.ts';
import { describeLevel, type LevelVersion } from './levels.ts';

/** As many pods are looked at, and for so long, at most. */
const podsMax = 3000;
const timeMaxMs = 1000;

/** Pods that violate the new level, those with the same reasons in one line. `nowMs` is monotonic. */
export function relabelWarnings(namespace: string, level: LevelVersion, pods: Iterable<Pod>, nowMs: () => number): string[] {
  const all = oneOfEachOwnerFirst([...pods].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)));
  const found = new Map<string, string[]>();
  const until = nowMs() + timeMaxMs;
  let looked = 0;
  for (const pod of all) {
    if (looked === podsMax || nowMs() > until) break;
    looked++;
    const violations = evaluate(level, pod.spec ?? { containers: [] }, pod.metadata ?? {});
    const reasons = violations.map(({ reason }) => reason).join(', ');
    if (reasons === '') continue;
    const names = found.get(reasons);
    if (names === undefined) found.set(reasons, [nameOf(pod)]);
    else names.push(nameOf(pod));
  }
  const incomplete = `new PodSecurity enforce level only checked against the first ${looked} of ${all.length} existing pods`;
  const title = `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${describeLevel(level)}"`;
  return [
    ...(looked < all.length ? [incomplete] : []),
    ...(found.size > 0 ? [title] : []),
    ...[...found].map(([reasons, names]) => `${counted(names)}: ${reasons}`).sort(),
  ];
}

function nameOf(pod: Pod): string {
  return pod.metadata?.name ?? '';
}

/** Pods of one owner are alike: where not all can be looked at, one of each is worth most. */
function oneOfEachOwnerFirst(pods: readonly Pod[]): Pod[] {
  const owners = new Set<string>();
  const alike: Pod[] = [];
  const first = pods.filter((pod) => {
    const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller === true)?.uid;
    if (owner === undefined || !owners.has(owner)) {
      if (owner !== undefined) owners.add(owner);
      return true;
    }
    alike.push(pod);
    return false;
  });
  return [...first, ...alike];
}

function counted([first = '', ...others]: readonly string[]): string {
  if (others.length === 0) return first;
  return `${first} (and ${others.length} other ${others.length === 1 ? 'pod' : 'pods'})`;
}
