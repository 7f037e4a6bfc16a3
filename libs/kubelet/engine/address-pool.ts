// IPv4 addresses out of a range, as the host-local plugin gives them: the next free one, around and around.

export class AddressPool {
  readonly #first: number;
  readonly #size: number;
  #last = 1;

  /** `cidr`: `10.244.1.0/24`. Throws TypeError where it is none. */
  constructor(cidr: string) {
    const [, address = '', length = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr) ?? [];
    const bytes = address.split('.').map(Number);
    const bits = Number(length);
    if (bytes.length !== 4 || bytes.some((each) => each > 255) || length === '' || bits > 30)
      throw new TypeError(`expected an IPv4 range with room for pods, such as 10.244.1.0/24, got ${JSON.stringify(cidr)}`);
    this.#size = 2 ** (32 - bits);
    const value = bytes.reduce((sum, each) => sum * 256 + each, 0);
    this.#first = value - (value % this.#size);
  }

  /** One that is not in `taken`: not the range's own, not the gateway's (the first), not the broadcast one. Throws RangeError. */
  take(taken: ReadonlySet<string>): string {
    for (let tries = 0; tries < this.#size; tries++) {
      this.#last = this.#last + 1 >= this.#size - 1 ? 2 : this.#last + 1;
      const text = dotted(this.#first + this.#last);
      if (this.#last < this.#size - 1 && !taken.has(text)) return text;
    }
    throw new RangeError(
      `no IP addresses available in range set: ${dotted(this.#first + 1)}-${dotted(this.#first + this.#size - 2)}`,
    );
  }
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
