// Adapter: rules in the host's own filter that let a lab's traffic through, by iptables, which is what Docker uses.
import { type ForwardChain, forwardChainOf, forwardRules } from '../net/host-forward.ts';
import type { HostThings } from '../owner.ts';
import { findProgram } from './facts.ts';
import { succeeds, tool } from './spawn.ts';

/** `-w`: another program may be at work on the tables. */
const iptables = ['iptables', '-w'];
/** An interrupted `up` may have made a rule twice; more than this is of nobody who is in his right mind. */
const copiesMax = 8;

/** Where this host needs rules for what it forwards; undefined where it does not, or has no iptables. */
export async function neededForwardChain(): Promise<ForwardChain | undefined> {
  if (findProgram('iptables') === undefined) return undefined;
  return forwardChainOf(await tool([...iptables, '-S']).catch(() => ''));
}

/** Inserts the rules that the record names, each once, before those of others. */
export async function letThrough({ link, forward }: HostThings): Promise<void> {
  if (forward === undefined) return;
  for (const rule of forwardRules(link, forward)) if (!(await has(rule))) await tool([...iptables, '-I', ...rule]);
}

/** Removes the rules that the record names, and no others. Fine where they, or their chain, are gone. */
export async function endLettingThrough({ link, forward }: HostThings): Promise<void> {
  if (forward === undefined) return;
  for (const rule of forwardRules(link, forward))
    for (let copy = 0; copy < copiesMax && (await has(rule)); copy++) await tool([...iptables, '-D', ...rule]);
}

/** Those of the record's rules that are there. */
export async function forwardRemains({ link, forward }: HostThings): Promise<string[]> {
  if (forward === undefined) return [];
  const left: string[] = [];
  for (const rule of forwardRules(link, forward)) if (await has(rule)) left.push(`iptables rule ${rule.join(' ')}`);
  return left;
}

function has(rule: readonly string[]): Promise<boolean> {
  return succeeds([...iptables, '-C', ...rule]);
}
