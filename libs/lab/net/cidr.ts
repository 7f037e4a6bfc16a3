// IPv4 ranges and the addresses in them, as numbers.

export interface Cidr {
  /** The first address of the range. */
  readonly base: number;
  readonly bits: number;
}

/** Reads `10.96.0.0/16`; undefined where the text is no IPv4 range or has bits set behind the prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(text);
  const base = parseAddress(match?.[1] ?? '');
  const bits = Number(match?.[2]);
  if (base === undefined || bits > 32) return undefined;
  return base % 2 ** (32 - bits) === 0 ? { base, bits } : undefined;
}

/** The address `offset` places behind the start of the range, as text. Throws RangeError outside the range. */
export function addressIn(range: Cidr, offset: number): string {
  if (offset < 0 || offset >= 2 ** (32 - range.bits)) throw new RangeError(`no address ${offset} in a /${range.bits}`);
  return formatAddress(range.base + offset);
}

/** The `index`-th range of length `bits` inside `range`, as text. */
export function subrange(range: Cidr, bits: number, index: number): string {
  return `${addressIn(range, index * 2 ** (32 - bits))}/${bits}`;
}

/** Whether the two ranges share an address. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  const size = 2 ** (32 - Math.min(a.bits, b.bits));
  return Math.floor(a.base / size) === Math.floor(b.base / size);
}

function parseAddress(text: string): number | undefined {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
