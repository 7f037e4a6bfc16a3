// When a CronJob is due: cron expressions as robfig/cron's standard parser reads them, which upstream uses.
import { Cron } from 'croner';

/** Instants, in milliseconds since the epoch. */
export interface Schedule {
  /** The first instant after `ms`; undefined where there is none. */
  next(ms: number): number | undefined;
}

const macros: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/**
 * @param timeZone an IANA name; the process's own zone where left out.
 * @throws Error where the text is no schedule.
 */
export function parseSchedule(text: string, timeZone: string | undefined): Schedule {
  const prefixed = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(text.trim());
  const zone = prefixed?.[1] ?? timeZone;
  const expression = prefixed?.[2] ?? text.trim();
  if (expression.startsWith('@every ')) return every(expression.slice('@every '.length).trim());
  const fields = (macros[expression] ?? expression).split(/\s+/);
  if (fields.length !== 5) throw new Error(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  const [, , day = '*', , weekday = '*'] = fields;
  // Either of the two days is enough, unless one of them is left open: then both must hold.
  const both = /^[*?]/.test(day) || /^[*?]/.test(weekday);
  const pattern = fields.map((field) => field.replace(/^\?/, '*')).join(' ');
  const cron = new Cron(pattern, { mode: '5-part', domAndDow: both, ...(zone === undefined ? {} : { timezone: zone }) });
  return { next: (ms) => cron.nextRun(new Date(ms))?.getTime() };
}

/** A fixed interval from the last time on, in whole seconds. */
function every(text: string): Schedule {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0);
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new Error(`failed to parse duration @every ${text}`);
  }
  const intervalMs = Math.max(1_000, Math.floor(total / 1_000) * 1_000);
  return { next: (ms) => Math.floor(ms / 1_000) * 1_000 + intervalMs };
}
