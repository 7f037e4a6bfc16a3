// Walks the flags of an original (`upstream-flags/PROGRAM.txt`: names and types as `PROGRAM --help` of Kubernetes 1.36.2 and etcd
// 3.5.30 lists them) and says how a program of ours deviates: a flag that it does not know, takes in another form, or knows
// although the original does not.
import { readFileSync } from 'node:fs';
import type { FlagDialect, FlagSet } from '../flags.ts';

export type UpstreamProgram =
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'
  | 'kube-proxy'
  | 'etcd';

/** Names to types; `bool` is the one that takes no value. */
export function upstreamFlags(program: UpstreamProgram): ReadonlyMap<string, string> {
  const text = readFileSync(new URL(`./upstream-flags/${program}.txt`, import.meta.url), 'utf8');
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const),
  );
}

/** Every parser knows these by itself. */
const everywhere: ReadonlySet<string> = new Set(['help', 'version', 'h']);

/**
 * Empty where the program knows exactly the original's flags. `own`: those that are ours alone. `hidden`: those that the
 * original takes without listing them.
 */
export function flagProblems(
  program: UpstreamProgram,
  set: FlagSet,
  dialect: FlagDialect,
  own: readonly string[] = [],
  hidden: readonly string[] = [],
): string[] {
  const upstream = upstreamFlags(program);
  const ours = new Map<string, string>();
  for (const [name, { type }] of Object.entries(set)) ours.set(name, type === 'bool' ? 'bool' : 'value');
  for (const [name, takes] of Object.entries(dialect.ignored ?? {})) ours.set(name, takes);
  for (const [name, { takes }] of Object.entries(dialect.refused ?? {})) ours.set(name, takes);
  for (const [alias, name] of Object.entries(dialect.aliases ?? {})) ours.set(alias, ours.get(name) ?? 'value');
  const problems: string[] = [];
  for (const [name, type] of upstream) {
    if (everywhere.has(name)) continue;
    const takes = ours.get(name);
    const wanted = type === 'bool' ? 'bool' : 'value';
    if (takes === undefined) problems.push(`--${name} (${type}) is not known`);
    else if (takes !== wanted) problems.push(`--${name} is a ${takes} here and a ${wanted} (${type}) there`);
  }
  for (const name of ours.keys())
    if (!upstream.has(name) && !own.includes(name) && !hidden.includes(name))
      problems.push(`--${name} is not one of the original's`);
  return problems;
}
