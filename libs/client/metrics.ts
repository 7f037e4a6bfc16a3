// Counters, gauges and histograms in the Prometheus text format: all that a small component exports, for 19 MB less than a
// metrics library costs each process.

type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly lines: () => Iterable<string>;
}

/** The metrics of one process. Names and help texts are upstream's where upstream has the metric. */
export class Metrics {
  readonly #families = new Map<string, Family>();

  /** Adds to a counter of that name, per set of labels. */
  counter(name: string, help: string): (labels?: Labels, by?: number) => void {
    const values = new Map<string, number>();
    this.#families.set(name, {
      help,
      type: 'counter',
      lines: () => [...values].map(([key, value]) => `${name}${key} ${value}`),
    });
    return (labels = {}, by = 1) => {
      const key = labelText(labels);
      values.set(key, (values.get(key) ?? 0) + by);
    };
  }

  /** A gauge that is read when it is scraped. */
  gauge(name: string, help: string, read: () => number): void {
    this.#families.set(name, { help, type: 'gauge', lines: () => [`${name} ${read()}`] });
  }

  /** Observes values of a histogram with those upper bounds, ascending. */
  histogram(name: string, help: string, bounds: readonly number[]): (value: number) => void {
    const counts = new Array<number>(bounds.length).fill(0);
    let count = 0;
    let sum = 0;
    const lines = () => [
      ...bounds.map((bound, index) => `${name}_bucket{le="${bound}"} ${counts[index]}`),
      `${name}_bucket{le="+Inf"} ${count}`,
      `${name}_sum ${sum}`,
      `${name}_count ${count}`,
    ];
    this.#families.set(name, { help, type: 'histogram', lines });
    return (value) => {
      count++;
      sum += value;
      for (let index = bounds.length - 1; index >= 0 && value <= (bounds[index] ?? 0); index--)
        counts[index] = (counts[index] ?? 0) + 1;
    };
  }

  text(): string {
    const blocks = [...this.#families].map(([name, { help, type, lines }]) =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines(), ''].join('\n'),
    );
    return blocks.join('');
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
