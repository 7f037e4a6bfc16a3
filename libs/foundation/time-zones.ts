// Adapter: which time zones there are. The platform's tables (ICU) are the only source.

/** As in the IANA database: parts that begin with a capital. ICU takes names in any case, and offsets; the database does not. */
const form = /^[A-Z][A-Za-z0-9+_-]*(\/[A-Z][A-Za-z0-9+_-]*)*$/;

/** Whether the IANA database has a zone of exactly that name. */
export function isTimeZoneName(name: string): boolean {
  if (!form.test(name) || name === 'Local') return false;
  try {
    const known = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    return known === name || known.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}
