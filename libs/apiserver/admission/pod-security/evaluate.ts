// What a level of the Pod Security Standards has against a pod.
import type { ObjectMeta, PodSpec } from '@drydock/api/generated/types.ts';
import { baselineChecks } from './baseline.ts';
import type { Check } from './check.ts';
import type { Level, LevelVersion } from './levels.ts';
import { restrictedChecks } from './restricted.ts';
import type { Violation } from './violation.ts';

/** A check of `restricted` takes the place of one of `baseline` from a minor version on. */
const replaced: readonly (readonly [keyof typeof baselineChecks, number, keyof typeof restrictedChecks])[] = [
  ['capabilities', 22, 'capabilities'],
  ['hostPathVolumes', 0, 'restrictedVolumes'],
  ['procMount', 35, 'procMount'],
  ['seccompProfile', 19, 'seccompProfile'],
];

export function evaluate({ level, version }: LevelVersion, spec: PodSpec, metadata: ObjectMeta): Violation[] {
  const minor = version === 'latest' ? Number.POSITIVE_INFINITY : version;
  return checksOf(level, minor).flatMap((check) => check(spec, metadata, minor) ?? []);
}

function checksOf(level: Level, minor: number): Check[] {
  if (level === 'privileged') return [];
  if (level === 'baseline') return Object.values(baselineChecks);
  const gone = new Set<string>(replaced.filter(([, from]) => minor >= from).map(([name]) => name));
  const early = new Set<string>(replaced.filter(([, from]) => minor < from).map(([, , name]) => name));
  return [
    ...Object.entries(baselineChecks).flatMap(([name, check]) => (gone.has(name) ? [] : [check])),
    ...Object.entries(restrictedChecks).flatMap(([name, check]) => (early.has(name) ? [] : [check])),
  ];
}

/** `reason (detail), reason (detail)`. */
export function describeViolations(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
}
