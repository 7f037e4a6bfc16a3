// A rule set as plain data, in nftables' own terms: what shall be in the table, and how to get there from what is.

/** A map from packet fields to verdicts, or a set of addresses. `value` is empty for sets. */
export interface Lookup {
  readonly kind: 'map' | 'set';
  /** The declaration, as nft reads it: `type ipv4_addr . inet_proto . inet_service : verdict`. */
  readonly declaration: string;
  /** Key to value; undefined where packets fill it (session affinity): its content is left alone. */
  readonly elements: ReadonlyMap<string, string> | undefined;
}

export interface Chain {
  /** `type nat hook prerouting priority -100` for base chains, empty for others. */
  readonly hook: string;
  readonly rules: readonly string[];
}

export interface RuleSet {
  readonly lookups: ReadonlyMap<string, Lookup>;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** The names that a table has, where its content is not known: after a start of the process, or a failed transaction. */
export interface KnownNames {
  readonly maps: Names;
  readonly sets: Names;
  readonly chains: Names;
}

/** A Set, or a Map by name. */
interface Names {
  has(name: string): boolean;
  keys(): Iterable<string>;
}

/**
 * The lines of one `nft -f` transaction that turn `before` into `after`; empty where nothing changes. With names only, every
 * chain and map is filled anew, within the same transaction: no packet ever meets a half-filled table, and connections that
 * are established keep what conntrack holds.
 */
export function transaction(table: string, before: RuleSet | KnownNames, after: RuleSet): string[] {
  if ('lookups' in before && redeclares(before, after)) return rebuild(table, after);
  const known = 'lookups' in before ? before : undefined;
  const names = 'lookups' in before ? undefined : before;
  const lines: string[] = [];
  for (const [name, lookup] of after.lookups) {
    const old = known?.lookups.get(name);
    const exists = old !== undefined || (names?.[lookup.kind === 'map' ? 'maps' : 'sets'].has(name) ?? false);
    if (!exists) lines.push(`add ${lookup.kind} ip ${table} ${name} { ${lookup.declaration} ; }`);
    if (exists && old === undefined && lookup.elements !== undefined) lines.push(`flush ${lookup.kind} ip ${table} ${name}`);
    for (const key of old?.elements?.keys() ?? []) {
      if (lookup.elements?.get(key) !== old?.elements?.get(key)) lines.push(`delete element ip ${table} ${name} { ${key} }`);
    }
  }
  for (const [name, chain] of after.chains) {
    const old = known?.chains.get(name);
    if (old === undefined) {
      lines.push(`add chain ip ${table} ${name}${chain.hook === '' ? '' : ` { ${chain.hook} ; }`}`);
      if (names?.chains.has(name)) lines.push(`flush chain ip ${table} ${name}`);
    } else if (!sameRules(old.rules, chain.rules) && old.rules.length > 0) lines.push(`flush chain ip ${table} ${name}`);
  }
  for (const [name, chain] of after.chains) {
    const old = known?.chains.get(name);
    if (old !== undefined && sameRules(old.rules, chain.rules)) continue;
    for (const rule of chain.rules) lines.push(`add rule ip ${table} ${name} ${rule}`);
  }
  for (const [name, lookup] of after.lookups) {
    const old = known?.lookups.get(name);
    for (const [key, value] of lookup.elements ?? []) {
      if (old?.elements?.get(key) === value) continue;
      lines.push(`add element ip ${table} ${name} { ${key}${value === '' ? '' : ` : ${value}`} }`);
    }
  }
  lines.push(...removals(table, known, names, after));
  return lines.length === 0 ? [] : [`add table ip ${table}`, ...lines];
}

/**
 * The lines that put a new table in the place of whatever is there, in one transaction: for a table that cannot be taken over (a
 * chain at another hook, a set of another type). What packets filled is lost.
 */
export function rebuild(table: string, after: RuleSet): string[] {
  const nothing: RuleSet = { lookups: new Map(), chains: new Map() };
  return [`add table ip ${table}`, `delete table ip ${table}`, ...transaction(table, nothing, after)];
}

/** Whether a name stays and what it was declared as does not: nft has no change for that. */
function redeclares(before: RuleSet, after: RuleSet): boolean {
  for (const [name, { kind, declaration }] of after.lookups) {
    const old = before.lookups.get(name);
    if (old !== undefined && (old.kind !== kind || old.declaration !== declaration)) return true;
  }
  for (const [name, { hook }] of after.chains) if ((before.chains.get(name)?.hook ?? hook) !== hook) return true;
  return false;
}

/** Everything that refers to others is emptied before anything is deleted. */
function removals(table: string, known: RuleSet | undefined, names: KnownNames | undefined, after: RuleSet): string[] {
  const goneChains = [...(known?.chains.keys() ?? names?.chains.keys() ?? [])].filter((name) => !after.chains.has(name));
  const lookups: (readonly ['map' | 'set', string])[] =
    known === undefined
      ? [
          ...[...(names?.maps.keys() ?? [])].map((name) => ['map', name] as const),
          ...[...(names?.sets.keys() ?? [])].map((name) => ['set', name] as const),
        ]
      : [...known.lookups].map(([name, lookup]) => [lookup.kind, name] as const);
  const goneLookups = lookups.filter(([, name]) => !after.lookups.has(name));
  return [
    ...goneLookups.filter(([kind]) => kind === 'map').map(([kind, name]) => `flush ${kind} ip ${table} ${name}`),
    ...goneChains.map((name) => `flush chain ip ${table} ${name}`),
    ...goneChains.map((name) => `delete chain ip ${table} ${name}`),
    ...goneLookups.map(([kind, name]) => `delete ${kind} ip ${table} ${name}`),
  ];
}

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, index) => rule === b[index]);
}
