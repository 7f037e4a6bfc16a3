// --service-node-port-range as upstream reads it (apimachinery's PortRange). Pure.

/** Both ends belong to it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** No range; the message is upstream's. */
export class PortRangeError extends Error {
  override readonly name = 'PortRangeError';
}

const portMax = 65_535;
/** What an empty text stands for. */
const fallback: PortRange = { first: 30_000, last: 32_767 };

/** Reads `30000-32767`, `30000+2767` or `30000`. Throws PortRangeError. */
export function parsePortRange(text: string): PortRange {
  const value = text.trim();
  if (value === '') return fallback;
  const [hyphen, plus] = [value.indexOf('-'), value.indexOf('+')];
  if (hyphen >= 0 && plus >= 0) throw new PortRangeError(`unable to parse port range: ${value}`);
  const at = Math.max(hyphen, plus);
  const first = whole(at < 0 ? value : value.slice(0, at));
  const other = at < 0 ? first : whole(value.slice(at + 1));
  const last = plus >= 0 ? first + other : other;
  if (first > portMax || last > portMax) throw new PortRangeError(`the port range cannot be greater than ${portMax}: ${value}`);
  if (last < first) throw new PortRangeError(`end port cannot be less than start port: ${value}`);
  return { first, last };
}

/** As Go's strconv.Atoi says it. */
function whole(text: string): number {
  const problem = /^[+-]?\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
  const value = problem === 'invalid syntax' ? Number.NaN : Number(text);
  if (!Number.isSafeInteger(value)) throw new PortRangeError(`strconv.Atoi: parsing ${JSON.stringify(text)}: ${problem}`);
  return value;
}
