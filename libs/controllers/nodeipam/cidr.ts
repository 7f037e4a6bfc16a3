// A range of addresses cut into equal blocks, one per node.

/** A block of addresses as a number of bits. */
export interface Range {
  readonly base: bigint;
  readonly prefix: number;
  readonly bits: 32 | 128;
}

/** Reads `10.244.0.0/16` or `fd00::/48`; undefined where the text is none, or has zeros in front, which others read as octal. */
export function parseCidr(text: string): Range | undefined {
  const [address = '', prefixText = '', ...more] = text.split('/');
  const bits = address.includes(':') ? 128 : 32;
  const value = bits === 32 ? parseV4(address) : parseV6(address);
  const prefix = Number(prefixText);
  if (more.length > 0 || value === undefined || !decimal.test(prefixText) || prefix > bits) return undefined;
  const host = BigInt(bits - prefix);
  return { base: (value >> host) << host, prefix, bits };
}

const decimal = /^(?:0|[1-9]\d{0,2})$/;

/** Whether the text is an IPv4 address, spelled as everybody spells it. */
export function isIPv4(text: string): boolean {
  return parseV4(text) !== undefined;
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => decimal.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseV6(text: string): bigint | undefined {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  const words = (part: string) => (part === '' ? [] : part.split(':'));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const missing = 8 - left.length - right.length;
  if (missing < 0 || (tail === undefined && missing !== 0)) return undefined;
  const all = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  if (!all.every((word) => /^[0-9a-fA-F]{1,4}$/.test(word))) return undefined;
  return all.reduce((value, word) => (value << 16n) | BigInt(`0x${word}`), 0n);
}

/** The text of a block, without zero compression beyond one `::` at the end. */
export function formatCidr(base: bigint, prefix: number, bits: 32 | 128): string {
  if (bits === 32) return `${[24n, 16n, 8n, 0n].map((shift) => (base >> shift) & 255n).join('.')}/${prefix}`;
  const words = Array.from({ length: 8 }, (_, index) => ((base >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  while (words.length > 1 && words.at(-1) === '0') words.pop();
  return `${words.join(':')}${words.length < 8 ? '::' : ''}/${prefix}`;
}

/** Whether the two ranges share an address. */
export function overlaps(a: Range, b: Range): boolean {
  if (a.bits !== b.bits) return false;
  const host = BigInt(a.bits - Math.min(a.prefix, b.prefix));
  return a.base >> host === b.base >> host;
}

/** The lowest block of `size` bits prefix inside `cluster` that touches none of `used`; undefined where there is none. */
export function firstFreeBlock(cluster: Range, prefix: number, used: readonly Range[]): string | undefined {
  const step = 1n << BigInt(cluster.bits - prefix);
  const end = cluster.base + (1n << BigInt(cluster.bits - cluster.prefix));
  for (let base = cluster.base; base < end; ) {
    const block: Range = { base, prefix, bits: cluster.bits };
    const clash = used.find((range) => overlaps(range, block));
    if (clash === undefined) return formatCidr(base, prefix, cluster.bits);
    const clashEnd = clash.base + (1n << BigInt(clash.bits - clash.prefix));
    base = base + step > clashEnd ? base + step : clashEnd;
  }
  return undefined;
}
