// Arithmetic on the addresses of a service CIDR.
import ipaddr from 'ipaddr.js';

/** A CIDR whose addresses are handed out: all but the network address and, for IPv4, the broadcast address. */
export class IpRange {
  readonly cidr: string;
  readonly family: 'IPv4' | 'IPv6';
  readonly #base: bigint;
  readonly #bytes: number;
  /** Addresses that can be handed out. */
  readonly size: bigint;

  /** Throws RangeError for text that is no CIDR or leaves no addresses. */
  constructor(cidr: string) {
    if (!ipaddr.isValidCIDR(cidr)) throw new RangeError(`not a CIDR: ${cidr}`);
    const [address, bits] = ipaddr.parseCIDR(cidr);
    const bytes = address.toByteArray();
    this.cidr = cidr;
    this.family = address.kind() === 'ipv4' ? 'IPv4' : 'IPv6';
    this.#bytes = bytes.length;
    const total = 1n << BigInt(bytes.length * 8 - bits);
    this.#base = (toNumber(bytes) / total) * total;
    this.size = total - (this.family === 'IPv4' ? 2n : 1n);
    if (this.size < 1n) throw new RangeError(`no addresses in ${cidr}`);
  }

  /** The address at `offset`, 1 being the first that is handed out. */
  at(offset: bigint): string {
    let value = this.#base + offset;
    const bytes: number[] = [];
    for (let i = 0; i < this.#bytes; i++) {
      bytes.unshift(Number(value & 0xffn));
      value >>= 8n;
    }
    return ipaddr.fromByteArray(bytes).toString();
  }

  /** Whether `address` can be handed out from this range. */
  contains(address: string): boolean {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.parse(address);
    if ((parsed.kind() === 'ipv4') !== (this.family === 'IPv4')) return false;
    const offset = toNumber(parsed.toByteArray()) - this.#base;
    return offset >= 1n && offset <= this.size;
  }

  /** The first offset that is handed out on its own accord; the ones below are left for services that name their address. */
  get dynamicOffset(): bigint {
    const min = 16n;
    const max = 256n;
    const share = this.size / 16n;
    if (share < min) return this.size <= min ? 1n : min;
    return share > max ? max : share;
  }
}

function toNumber(bytes: readonly number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
