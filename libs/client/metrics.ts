// Counters, gauges and histograms in the Prometheus text format: all that a small component exports, for 19 MB less than a
// metrics library costs each process.

type Labels = Readonly<Record<string, string>>;

/** Of one histogram; as many as a cluster has nodes. */
const labelSetsMax = 5_000;

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
    this.gauges(name, help, () => [[{}, read()]]);
  }

  /** One per set of labels. */
  gauges(name: string, help: string, read: () => Iterable<readonly [Labels, number]>): void {
    const lines = () => [...read()].map(([labels, value]) => `${name}${labelText(labels)} ${value}`);
    this.#families.set(name, { help, type: 'gauge', lines });
  }

  /**
   * Observes values of a histogram with those upper bounds, ascending. Of more sets of labels than the bound the one that came first is
   * forgotten.
   */
  histogram(name: string, help: string, bounds: readonly number[]): (value: number, labels?: Labels) => void {
    const all = new Map<string, Distribution>();
    const make = (labels: Labels): Distribution => ({ labels, counts: bounds.map(() => 0), count: 0, sum: 0 });
    const unlabelled = make({});
    const lines = () => (all.size === 0 ? [unlabelled] : [...all.values()]).flatMap((each) => linesOf(name, bounds, each));
    this.#families.set(name, { help, type: 'histogram', lines });
    return (value, labels = {}) => {
      const key = labelText(labels);
      const own = all.get(key) ?? make(labels);
      all.set(key, own);
      const [first] = all.keys();
      if (all.size > labelSetsMax && first !== undefined) all.delete(first);
      own.count++;
      own.sum += value;
      for (let index = bounds.length - 1; index >= 0 && value <= (bounds[index] ?? 0); index--)
        own.counts[index] = (own.counts[index] ?? 0) + 1;
    };
  }

  text(): string {
    const blocks = [...this.#families].map(([name, { help, type, lines }]) =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines(), ''].join('\n'),
    );
    return blocks.join('');
  }
}

/** What a histogram has counted under one set of labels. */
interface Distribution {
  readonly labels: Labels;
  readonly counts: number[];
  count: number;
  sum: number;
}

function linesOf(name: string, bounds: readonly number[], { labels, counts, count, sum }: Distribution): string[] {
  const own = labelText(labels);
  return [
    ...bounds.map((le, index) => `${name}_bucket${labelText({ ...labels, le: String(le) })} ${counts[index]}`),
    `${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}`,
    `${name}_sum${own} ${sum}`,
    `${name}_count${own} ${count}`,
  ];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
