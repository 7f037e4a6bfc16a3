// Figures of two programs beside each other: medians, and the ratio with its spread over the rounds.

export type Figures = Readonly<Record<string, number>>;

export interface Result {
  readonly name: string;
  readonly size: number;
  readonly load: string;
  readonly figures: Figures;
}

/** Of these a ratio is given, such that more is better for ours; the others only stand there. */
const directions: Readonly<Record<string, 'more' | 'less'>> = {
  perSecond: 'more',
  p50Ms: 'less',
  p99Ms: 'less',
  serverCpuUs: 'less',
  rssMiB: 'less',
  slowestMs: 'less',
  restartMs: 'less',
  startMs: 'less',
  startCpuMs: 'less',
};

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
const rounded = (n: number): number => Number(n.toPrecision(3));

/** One row for each size, load and figure. `ratio` is ours to that of `other`, above 1 where ours is better. */
export function ratioRows(results: readonly Result[], other = 'etcd'): Record<string, string | number>[] {
  const rows: Record<string, string | number>[] = [];
  const groups = Map.groupBy(results, ({ size, load }) => `${size} ${load}`);
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    for (const figure of Object.keys(first.figures)) {
      const of = (name: string): number[] => group.filter((r) => r.name === name).map((r) => r.figures[figure] ?? Number.NaN);
      const [ours, theirs] = [of('ours'), of(other)];
      const row: Record<string, string | number> = {
        members: first.size,
        load: first.load,
        figure,
        ours: rounded(median(ours)),
      };
      const direction = directions[figure];
      if (direction === undefined && [...ours, ...theirs].every((value) => value === 0)) continue;
      if (theirs.length > 0) row[other] = rounded(median(theirs));
      if (theirs.length > 0 && direction !== undefined) {
        const better = (a: number, b: number): number => (direction === 'more' ? a / b : b / a);
        const ratios = ours.slice(0, theirs.length).map((value, i) => better(value, theirs[i] ?? Number.NaN));
        row.ratio = rounded(better(median(ours), median(theirs)));
        row.spread = `${rounded(Math.min(...ratios))}..${rounded(Math.max(...ratios))}`;
      }
      for (const { name } of group) if (name !== 'ours' && name !== other) row[name] = rounded(median(of(name)));
      rows.push(row);
    }
  }
  return rows;
}

export function printRatios(results: readonly Result[], other?: string): void {
  console.table(ratioRows(results, other));
}
