// The schedules of cron jobs: five fields or a descriptor, with the complaints of upstream's parser (robfig/cron v3,
// ParseStandard).
import { goDurationProblem } from '../go-duration.ts';

interface Bounds {
  readonly min: number;
  readonly max: number;
  /** The first name stands for `min`. */
  readonly names: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const fields: readonly Bounds[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];
const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];
const every = '@every ';
const maxInt64 = 2n ** 63n - 1n;

class Problem extends Error {}

/** What is wrong with a schedule; undefined where nothing is. */
export function scheduleProblem(text: string): string | undefined {
  if (text.startsWith('@')) return descriptorProblem(text);
  const parts = text.trim().split(/\s+/);
  if (parts.length !== fields.length) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`;
  try {
    fields.forEach((bounds, index) => {
      for (const expression of (parts[index] ?? '').split(',')) if (expression !== '') checkRange(expression, bounds);
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.message;
  }
}

function descriptorProblem(text: string): string | undefined {
  if (descriptors.includes(text)) return undefined;
  if (!text.startsWith(every)) return `unrecognized descriptor: ${text}`;
  const problem = goDurationProblem(text.slice(every.length));
  return problem === undefined ? undefined : `failed to parse duration ${text}: ${problem}`;
}

/** `number`, `low-high`, `*` or `?`, each perhaps with `/step`. */
function checkRange(text: string, { min, max, names }: Bounds): void {
  const [range = '', step, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreHighs] = range.split('-');
  const anything = low === '*' || low === '?';
  const start = anything ? min : numberOrName(low, min, names);
  if (!anything && moreHighs.length > 0) throw new Problem(`too many hyphens: ${text}`);
  let end = anything ? max : high === undefined ? start : numberOrName(high, min, names);
  if (moreSteps.length > 0) throw new Problem(`too many slashes: ${text}`);
  const by = step === undefined ? 1 : whole(step);
  if (step !== undefined && high === undefined) end = max;
  if (start < min) throw new Problem(`beginning of range (${start}) below minimum (${min}): ${text}`);
  if (end > max) throw new Problem(`end of range (${end}) above maximum (${max}): ${text}`);
  if (start > end) throw new Problem(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (by === 0) throw new Problem(`step of range should be a positive number: ${text}`);
}

function numberOrName(text: string, first: number, names: readonly string[]): number {
  const at = names.indexOf(text.toLowerCase());
  return at < 0 ? whole(text) : first + at;
}

function whole(text: string): number {
  const parsing = `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}:`;
  if (!/^[+-]?\d+$/.test(text)) throw new Problem(`${parsing} invalid syntax`);
  const value = BigInt(text.replace('+', ''));
  if (value > maxInt64 || value < -maxInt64 - 1n) throw new Problem(`${parsing} value out of range`);
  if (value < 0n) throw new Problem(`negative number (${value}) not allowed: ${text}`);
  return Number(value);
}
