// What a table of the kernel has, as far as it can be compared with what it should have. Pure.
import type { RuleSet } from './rule-set.ts';

/** The names in a table: chains with the number of their rules, maps and sets with the number of their elements. */
export interface TableContents {
  readonly chains: Map<string, number>;
  readonly maps: Map<string, number>;
  readonly sets: Map<string, number>;
}

interface Listed {
  readonly chain?: { readonly name: string };
  readonly rule?: { readonly chain: string };
  readonly map?: { readonly name: string; readonly elem?: readonly unknown[] };
  readonly set?: { readonly name: string; readonly elem?: readonly unknown[] };
}

/** Reads the answer of `nft -j list table`, `list map` or `list set`. */
export function readContents(answer: unknown): TableContents {
  const contents: TableContents = { chains: new Map(), maps: new Map(), sets: new Map() };
  for (const { chain, rule, map, set } of (answer as { nftables: Listed[] }).nftables) {
    if (chain !== undefined) contents.chains.set(chain.name, contents.chains.get(chain.name) ?? 0);
    if (rule !== undefined) contents.chains.set(rule.chain, (contents.chains.get(rule.chain) ?? 0) + 1);
    if (map !== undefined) contents.maps.set(map.name, map.elem?.length ?? 0);
    if (set !== undefined) contents.sets.set(set.name, set.elem?.length ?? 0);
  }
  return contents;
}

/** The maps and sets that the proxy fills, so that their elements can be counted. */
export function filledLookups({ lookups }: RuleSet): string[] {
  return [...lookups].filter(([, { elements }]) => elements !== undefined).map(([name]) => name);
}

/** What of `wanted` is not in the table, or is more or less there than it should be; undefined where nothing is. */
export function firstDifference({ chains, maps, sets }: TableContents, wanted: RuleSet): string | undefined {
  for (const [name, { rules }] of wanted.chains) {
    if (chains.get(name) !== rules.length) return `chain ${name}: ${chains.get(name) ?? 'no'} rules instead of ${rules.length}`;
  }
  for (const [name, { kind, elements }] of wanted.lookups) {
    const size = (kind === 'map' ? maps : sets).get(name);
    if (size === undefined) return `${kind} ${name} is missing`;
    if (elements !== undefined && size !== elements.size)
      return `${kind} ${name}: ${size} elements instead of ${elements.size}`;
  }
  const stranger = [...chains.keys()].find((name) => !wanted.chains.has(name));
  return stranger === undefined ? undefined : `chain ${stranger} is not ours`;
}
