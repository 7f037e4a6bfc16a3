// Two lists of tolerations as one (pkg/util/tolerations), at a cost by their length: whoever makes a pod chooses how many it has.
import type { Toleration } from '@drydock/api/generated/types.ts';

/** All of `first`, then all of `second`, without those that another one takes in; of equal ones the first stays. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const later = new Cover();
  const isLater = all.map(() => false);
  for (const [index, each] of [...all.entries()].reverse()) {
    const text = textOf(each);
    isLater[index] = later.takesIn(each, text);
    later.add(each, text);
  }
  const merged = new Cover();
  const texts = new Set<string>();
  return all.filter((each, index) => {
    const text = textOf(each);
    if (isLater[index] === true || texts.has(text) || merged.takesIn(each)) return false;
    merged.add(each, text);
    texts.add(text);
    return true;
  });
}

/** The same for equal ones; what is left out is not what is empty. */
function textOf({ key, operator, value, effect, tolerationSeconds }: Toleration): string {
  return JSON.stringify([key, operator, value, effect, tolerationSeconds]);
}

/** A toleration among those that differ in nothing but for how long they hold. */
interface Wide {
  readonly text: string;
  /** Seconds. */
  readonly holds: number;
}

/** What some tolerations tolerate together, each by itself. */
class Cover {
  /** By key, effect and value: the one that holds longest, and the longest one that is not equal to that. */
  readonly #longest = new Map<string, [Wide, Wide?]>();

  /** `text`: its own, by `textOf`. */
  add(toleration: Toleration, text: string): void {
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration;
    const any = operator === 'Exists';
    if (!any && operator !== '' && operator !== 'Equal') return;
    const place = placeOf(any && key === '' ? null : key, effect, any ? null : value);
    // Of other effects nobody says for how long.
    const holds = effect === 'NoExecute' ? (tolerationSeconds ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
    const wide: Wide = { text, holds };
    const [longest, next] = this.#longest.get(place) ?? [];
    if (longest === undefined) this.#longest.set(place, [wide]);
    else if (longest.text === wide.text) return;
    else if (holds > longest.holds) this.#longest.set(place, [wide, longest]);
    else if (next === undefined || holds > next.holds) this.#longest.set(place, [longest, wide]);
  }

  /** Whether one of them, other than `except`, tolerates all that `narrow` does, and for as long. */
  takesIn(narrow: Toleration, except?: string): boolean {
    const { key = '', operator, value = '', effect = '', tolerationSeconds = Number.POSITIVE_INFINITY } = narrow;
    const values = operator === 'Equal' ? [null, value] : [null];
    const places = ['', effect].flatMap((each) => [
      placeOf(null, each, null),
      ...values.map((wanted) => placeOf(key, each, wanted)),
    ]);
    return places.some((place) => {
      const [longest, next] = this.#longest.get(place) ?? [];
      const wide = longest?.text === except ? next : longest;
      return wide !== undefined && tolerationSeconds <= wide.holds;
    });
  }
}

/** Null: whatever it is. */
function placeOf(key: string | null, effect: string, value: string | null): string {
  const part = (text: string | null) => (text === null ? '*' : `${text.length}:${text}`);
  return part(key) + part(effect) + part(value);
}
