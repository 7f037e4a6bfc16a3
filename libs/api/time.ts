// RFC 3339 timestamps as Go reads them.

const pattern = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const layout = '2006-01-02T15:04:05Z07:00';
/** The parts of the layout in order, with what the text must have in their place. */
const parts: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^\d{2}/],
  ['-', /^-/],
  ['02', /^\d{2}/],
  ['T', /^T/],
  ['15', /^\d{2}/],
  [':', /^:/],
  ['04', /^\d{2}/],
  [':', /^:/],
  ['05', /^\d{2}(?:\.\d+)?/],
  ['Z07:00', /^(?:Z|[+-]\d{2}:\d{2})/],
];

/** What Go's time.Parse says of `text`, or undefined when it is a timestamp. */
export function goTimeError(text: string): string | undefined {
  if (pattern.test(text) && !Number.isNaN(Date.parse(text))) return undefined;
  let rest = text;
  for (const [name, part] of parts) {
    const match = part.exec(rest);
    if (match === null)
      return `parsing time ${JSON.stringify(text)} as "${layout}": cannot parse ${JSON.stringify(rest)} as "${name}"`;
    rest = rest.slice(match[0].length);
  }
  if (rest !== '') return `parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`;
  return `parsing time ${JSON.stringify(text)}: day out of range`;
}
