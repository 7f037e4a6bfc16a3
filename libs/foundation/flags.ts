// Command-line flags in the two dialects of the upstream programs: pflag (Kubernetes) and Go's own flag package (etcd).
import { parseDuration } from './duration.ts';

/** How a flag's text is read. `strings` takes a comma-separated list and may be repeated; `map` takes `a=b,c=d`. */
export type FlagType = 'string' | 'bool' | 'int' | 'float' | 'duration' | 'strings' | 'map';

/** The value a flag of each type has; durations are milliseconds. */
export interface FlagValues {
  string: string;
  bool: boolean;
  int: number;
  float: number;
  duration: number;
  strings: string[];
  map: Record<string, string>;
}

export interface Flag<K extends FlagType = FlagType> {
  readonly type: K;
  readonly default: FlagValues[K];
  readonly usage: string;
  readonly shorthand?: string;
}

/** Declares a flag. */
export function flag<K extends FlagType>(type: K, fallback: FlagValues[K], usage: string, shorthand?: string): Flag<K> {
  return { type, default: fallback, usage, ...(shorthand === undefined ? {} : { shorthand }) };
}

export type FlagSet = Readonly<Record<string, Flag>>;
export type Values<S extends FlagSet> = { [N in keyof S]: FlagValues[S[N]['type']] };

export interface ParsedFlags<S extends FlagSet> {
  readonly values: Values<S>;
  /** Names that were given on the command line or in the environment. */
  readonly given: ReadonlySet<string>;
  /** Flags of upstream's that were given and have no effect here. */
  readonly ignored: readonly string[];
  readonly positional: readonly string[];
  readonly help: boolean;
}

/** A flag that asks for safety, or for other data than would be used, and is not served. */
export interface RefusedFlag {
  readonly takes: 'value' | 'bool';
  /** What is missing here, for the error. */
  readonly because: string;
  /** Values that ask for nothing; the empty one never does. */
  readonly unless?: (text: string) => boolean;
}

export interface FlagDialect {
  /** `pflag`: `--name`, `-s`. `go`: `-name` and `--name` alike. */
  readonly style: 'pflag' | 'go';
  /** Upstream's flags that are accepted with a warning: name to whether it takes a value. */
  readonly ignored?: Readonly<Record<string, 'value' | 'bool'>>;
  /** Upstream's flags that ask for what is not served here and must not be passed over in silence. */
  readonly refused?: Readonly<Record<string, RefusedFlag>>;
  /** Other names of flags. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** With a prefix `ETCD_`, `--data-dir` may also come as ETCD_DATA_DIR; the command line wins. */
  readonly envPrefix?: string;
}

/** A command line that cannot be understood; `message` is what upstream's parser says. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
  /** Go's programs explain their usage where an argument is malformed, and log where a variable is. */
  readonly from: 'argument' | 'environment';

  constructor(message: string, from: 'argument' | 'environment' = 'argument') {
    super(message);
    this.from = from;
  }
}

/** Reads `args`. Throws FlagError for unknown flags and malformed values. */
export function parseFlags<S extends FlagSet>(
  set: S,
  args: readonly string[],
  dialect: FlagDialect,
  env: Readonly<Record<string, string | undefined>> = {},
): ParsedFlags<S> {
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(set)) values[name] = spec.default;
  const given = new Set<string>();
  const ignored: string[] = [];
  const positional: string[] = [];
  let help = false;

  if (dialect.envPrefix !== undefined) {
    for (const [name, spec] of Object.entries(set)) {
      const variable = dialect.envPrefix + name.toUpperCase().replaceAll('-', '_');
      const text = env[variable];
      if (text === undefined || text === '') continue;
      const malformed = () =>
        new FlagError(`invalid value ${JSON.stringify(text)} for ${variable}: parse error`, 'environment');
      values[name] = readValue(spec.type, text, undefined, malformed);
      given.add(name);
    }
  }

  const seen = new Set<string>();
  const queue = [...args];
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    if (arg === '--') {
      positional.push(...queue);
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      positional.push(arg);
      continue;
    }
    const { name: written, inline } = splitFlag(arg, set, dialect);
    const name = dialect.aliases?.[written] ?? written;
    if (name === 'help' || name === 'h') {
      help = true;
      continue;
    }
    const spec = set[name];
    const refused = dialect.refused?.[name];
    const skip = refused?.takes ?? dialect.ignored?.[name];
    if (spec === undefined && skip === undefined) throw new FlagError(unknownFlag(arg, name, dialect));
    const isBool = spec === undefined ? skip === 'bool' : spec.type === 'bool';
    const text = inline ?? (isBool ? 'true' : queue.shift());
    if (text === undefined) throw new FlagError(`flag needs an argument: ${dialect.style === 'go' ? '-' : '--'}${name}`);
    if (refused !== undefined && text !== '' && refused.unless?.(text) !== true)
      throw new FlagError(`--${name} is not served here: ${refused.because}`);
    if (spec === undefined) {
      if (refused === undefined) ignored.push(name);
      continue;
    }
    const malformed = (expected: string) => new FlagError(malformedText(name, spec.type, text, expected, dialect));
    values[name] = readValue(spec.type, text, seen.has(name) ? values[name] : undefined, malformed);
    seen.add(name);
    given.add(name);
  }
  return { values: values as Values<S>, given, ignored, positional, help };
}

/** One line per flag, sorted, as `--help` prints it. */
export function describeFlags(set: FlagSet): string {
  const rows = Object.entries(set)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, spec]) =>
        [`  ${spec.shorthand === undefined ? '    ' : `-${spec.shorthand}, `}--${name} ${typeName(spec.type)}`, spec] as const,
    );
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, spec]) => `${left.padEnd(width)}   ${spec.usage}${defaultText(spec)}`).join('\n');
}

function splitFlag(arg: string, set: FlagSet, dialect: FlagDialect): { name: string; inline: string | undefined } {
  const long = arg.startsWith('--') || dialect.style === 'go';
  const body = arg.replace(/^--?/, '');
  const equals = body.indexOf('=');
  const head = equals < 0 ? body : body.slice(0, equals);
  const inline = equals < 0 ? undefined : body.slice(equals + 1);
  if (long) return { name: dialect.style === 'pflag' ? head.replaceAll('_', '-') : head, inline };
  const short = head[0] ?? '';
  const name = Object.entries(set).find(([, spec]) => spec.shorthand === short)?.[0];
  if (name === undefined) {
    if (short === 'h') return { name: 'help', inline: undefined };
    throw new FlagError(`unknown shorthand flag: '${short}' in ${arg}`);
  }
  const rest = head.slice(1);
  return { name, inline: inline ?? (rest === '' ? undefined : rest) };
}

function unknownFlag(arg: string, name: string, dialect: FlagDialect): string {
  return dialect.style === 'go' ? `flag provided but not defined: -${name}` : `unknown flag: ${arg.split('=')[0]}`;
}

function malformedText(name: string, type: FlagType, text: string, expected: string, { style }: FlagDialect): string {
  if (style === 'pflag') return `invalid argument "${text}" for "--${name}" flag: expected ${expected}`;
  return type === 'bool'
    ? `invalid boolean value ${JSON.stringify(text)} for -${name}: parse error`
    : `invalid value ${JSON.stringify(text)} for flag -${name}: parse error`;
}

function readValue(type: FlagType, text: string, previous: unknown, invalid: (expected: string) => FlagError): unknown {
  switch (type) {
    case 'string':
      return text;
    case 'bool':
      if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
      if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
      throw invalid('true or false');
    case 'int': {
      if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(Number(text))) throw invalid('a whole number');
      return Number(text);
    }
    case 'float': {
      if (text.trim() === '' || !Number.isFinite(Number(text))) throw invalid('a number');
      return Number(text);
    }
    case 'duration': {
      const ms = parseDuration(text);
      if (ms === undefined) throw invalid('a duration such as 300ms, 10s or 1h30m');
      return ms;
    }
    case 'strings':
      return [...((previous as string[] | undefined) ?? []), ...(text === '' ? [] : text.split(','))];
    case 'map': {
      const map: Record<string, string> = { ...(previous as Record<string, string> | undefined) };
      for (const pair of text === '' ? [] : text.split(',')) {
        const at = pair.indexOf('=');
        if (at < 1) throw invalid('key=value pairs separated by commas');
        map[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
      }
      return map;
    }
  }
}

function typeName(type: FlagType): string {
  return type === 'bool' ? '' : type === 'map' ? 'key=value,...' : type;
}

function defaultText(spec: Flag): string {
  const value = spec.type === 'duration' ? `${Number(spec.default) / 1000}s` : JSON.stringify(spec.default);
  return ['""', '[]', '{}', 'false', '0', '"0s"'].includes(value) ? '' : ` (default ${value})`;
}
