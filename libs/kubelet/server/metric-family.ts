// A family of metrics in Prometheus' text form: pure.

export interface Sample {
  /** `{name="value"}`, or empty. */
  readonly labels: string;
  readonly value: number;
  /** Undefined: the moment of the question. */
  readonly atMs?: number;
}

/** Empty without samples, as the original's. `help` begins with how stable it is. */
export function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(
    ({ labels, value, atMs }) => `${name}${labels} ${value}${atMs === undefined ? '' : ` ${Math.round(atMs)}`}`,
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}
