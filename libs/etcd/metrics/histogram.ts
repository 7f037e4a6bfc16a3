// A Prometheus histogram: how many observations were at most each bound.

/** Bounds of Prometheus' client: the first and each next one `factor` times as large. */
export function exponentialBounds(first: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Number((first * factor ** i).toPrecision(12)));
}

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` ascend; one without end is added. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const at = found < 0 ? this.#bounds.length : found;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** The lines of the text format, without HELP and TYPE; `labels` come before the bound. */
  render(name: string, labels = ''): string[] {
    let total = 0;
    const buckets = this.#counts.map((count, i) => {
      total += count;
      return `${name}_bucket{${labels === '' ? '' : `${labels},`}le="${this.#bounds[i] ?? '+Inf'}"} ${total}`;
    });
    const of = labels === '' ? '' : `{${labels}}`;
    return [...buckets, `${name}_sum${of} ${this.#sum}`, `${name}_count${of} ${total}`];
  }
}

/** 1 ms to 8.192 s, as most of etcd's: in seconds. */
export const durationBounds = exponentialBounds(0.001, 2, 14);
/** Of leases, in seconds: 1 to 2^23. */
export const ttlBounds = exponentialBounds(1, 2, 24);
