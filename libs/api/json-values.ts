// How many values a JSON text may have, whatever they are: reading, checking and comparing an object costs by these, not by its bytes.

/**
 * What can be stored (1.5 MiB) has fewer: they would have to be of six bytes each, the names of fields included. Three megabytes of
 * `{},` would be a million.
 */
export const jsonValuesMax = 250_000;

const [quote, backslash, comma, brace, bracket] = [0x22, 0x5c, 0x2c, 0x7b, 0x5b];

/** Whether a JSON text has more than `max` values. Counts commas and opening brackets outside of strings; does not check syntax. */
export function hasMoreValues(text: Uint8Array, max: number = jsonValuesMax): boolean {
  let count = 1;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (inString) {
      if (byte === backslash) at++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if ((byte === comma || byte === brace || byte === bracket) && ++count > max) return true;
  }
  return false;
}
