// Which pods are a target's, and which autoscalers count the same pods.
import type { Pod } from '@drydock/api/generated/types.ts';
import { matchesLabels, type ParsedLabelSelector, parseLabelSelector } from '@drydock/api/selectors/label.ts';
import { splitKey } from '../common/object-meta.ts';
import type { SelectorProblem } from './plan.ts';

/** What the targets of the autoscalers select, as last seen, by the autoscaler's key (`namespace/name`). */
export class Selections {
  /** By namespace: what others have costs nothing. */
  readonly #byNamespace = new Map<string, Map<string, ParsedLabelSelector>>();

  set(key: string, selector: ParsedLabelSelector): void {
    const { namespace = '' } = splitKey(key);
    const own = this.#byNamespace.get(namespace) ?? new Map<string, ParsedLabelSelector>();
    this.#byNamespace.set(namespace, own.set(key, selector));
  }

  forget(key: string): void {
    const { namespace = '' } = splitKey(key);
    const own = this.#byNamespace.get(namespace);
    own?.delete(key);
    if (own?.size === 0) this.#byNamespace.delete(namespace);
  }

  /** The autoscalers of that namespace whose targets select one of the pods, in the order of their names. */
  of(namespace: string, pods: readonly Pod[]): string[] {
    const keys: string[] = [];
    for (const [key, selector] of this.#byNamespace.get(namespace) ?? [])
      if (pods.some(({ metadata }) => matchesLabels(selector, metadata?.labels))) keys.push(key);
    return keys.sort();
  }
}

export function parsedSelector(text: string): ParsedLabelSelector | SelectorProblem {
  if (text === '') {
    const condition = "the HPA target's scale is missing a selector";
    return { eventReason: 'SelectorRequired', event: 'selector is required', conditionReason: 'InvalidSelector', condition };
  }
  try {
    return parseLabelSelector(text);
  } catch (error) {
    const why = `couldn't convert selector into a corresponding internal selector object: ${(error as Error).message}`;
    return { eventReason: 'InvalidSelector', event: why, conditionReason: 'InvalidSelector', condition: why };
  }
}

export function ambiguous(selector: string, keys: readonly string[]): SelectorProblem {
  const why = `pods by selector ${selector} are controlled by multiple HPAs: [${keys.join(' ')}]`;
  return { eventReason: 'AmbiguousSelector', event: why, conditionReason: 'AmbiguousSelector', condition: why };
}
