// What is known about time zones. The platform's tables (ICU) are the only source, so this is an adapter.

/** Whether there is a time zone of that name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '' && name !== 'Local';
  } catch {
    return false;
  }
}

/** `2026-01-31T13:00:00+01:00`: RFC 3339 as a clock in that zone shows it. */
export function formatInZone(ms: number, timeZone: string | undefined): string {
  const shown = timeZone === undefined ? ms : wallIn(ms, timeZone);
  const minutes = Math.round((shown - ms) / 60_000);
  const text = new Date(shown).toISOString().slice(0, 19);
  if (minutes === 0) return `${text}Z`;
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${text}${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
}

/** What the clock of the zone shows at that instant, taken as if it were UTC. */
function wallIn(ms: number, timeZone: string): number {
  const options = {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  } as const;
  const parts = new Intl.DateTimeFormat('en-US', options).formatToParts(ms);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
}
