// Prometheus' text format, read: the samples of a text, one after the other (prometheus/docs: exposition_formats). Pure.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Since the Unix epoch; undefined where the text leaves it to the reader. */
  readonly atMs: number | undefined;
}

/** A text that is not of the format; names the line. */
export class ExpositionError extends Error {
  override readonly name = 'ExpositionError';
}

const head = /^([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*/;
const label = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|(?=\}))/y;
const tail = /^[ \t]*(\S+)(?:[ \t]+(-?\d{1,17}))?[ \t]*$/;
const escapes: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

/** Throws ExpositionError at the first line that is none. */
export function* samplesOf(text: string): Generator<Sample> {
  let number = 0;
  for (const line of linesOf(text)) {
    number++;
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const sample = sampleOf(trimmed);
    if (sample === undefined) throw new ExpositionError(`line ${number}: ${JSON.stringify(trimmed.slice(0, 80))} is no sample`);
    yield sample;
  }
}

/** Without a second copy of the whole text. */
function* linesOf(text: string): Generator<string> {
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
    yield text.slice(start, end);
    start = end + 1;
  }
  yield text.slice(start);
}

function sampleOf(line: string): Sample | undefined {
  const [start, name] = head.exec(line) ?? [];
  if (start === undefined || name === undefined) return undefined;
  const braced = line.charAt(start.length) === '{' ? labelsFrom(line, start.length + 1) : { labels: {}, end: start.length };
  const [, text = '', at] = (braced && tail.exec(line.slice(braced.end))) ?? [];
  const value = numberOf(text);
  if (braced === undefined || value === undefined) return undefined;
  return { name, labels: braced.labels, value, atMs: at === undefined ? undefined : Number(at) };
}

/** The labels that begin at `from`, behind the brace, and where what follows the other brace begins. */
function labelsFrom(line: string, from: number): { labels: Record<string, string>; end: number } | undefined {
  const labels: Record<string, string> = Object.create(null);
  label.lastIndex = from;
  let end = from;
  for (let match = label.exec(line); match !== null; match = label.exec(line)) {
    const [, key = '', value = ''] = match;
    labels[key] = value.replace(/\\./g, (pair) => escapes[pair] ?? pair);
    end = label.lastIndex;
  }
  const rest = /^[ \t]*\}/.exec(line.slice(end));
  return rest === null ? undefined : { labels, end: end + rest[0].length };
}

function numberOf(text: string): number | undefined {
  if (/^[+-]?Inf$/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^NaN$/i.test(text)) return Number.NaN;
  // Digits can be told apart in one way only: else a long text that is no number would be tried for ever.
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}
