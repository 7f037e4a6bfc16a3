// Durations as Go writes them (`1h30m`, `1.5s`), with the complaints of its parser.

const units = ['ns', 'us', 'µs', 'μs', 'ms', 's', 'm', 'h'];

/** What Go's time.ParseDuration says of the text; undefined where it takes it. */
export function goDurationProblem(text: string): string | undefined {
  const quoted = JSON.stringify(text);
  const malformed = `time: invalid duration ${quoted}`;
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return undefined;
  if (rest === '') return malformed;
  while (rest !== '') {
    const amount = /^(\d*)(?:\.(\d*))?/.exec(rest)?.[0] ?? '';
    if (!/\d/.test(amount)) return malformed;
    rest = rest.slice(amount.length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? '';
    if (unit === '') return `time: missing unit in duration ${quoted}`;
    if (!units.includes(unit)) return `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`;
    rest = rest.slice(unit.length);
  }
  return undefined;
}
