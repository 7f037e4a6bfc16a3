// Node ports: one bitmap in the store, changed by compare-and-swap only (pkg/registry/core/service/portallocator).
import type { KubeObject } from '@drydock/api/resource.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { PortRange } from './port-range.ts';

/** Where upstream keeps the bitmap. */
const key = '/registry/ranges/servicenodeports';

interface RangeAllocation extends KubeObject {
  /** `30000-32767`. */
  range?: string;
  /** Base64 of a big-endian number whose bit i says whether port `first + i` is taken. */
  data?: string;
}

export class PortAllocator {
  readonly first: number;
  readonly last: number;
  readonly #objects: ObjectStore;
  readonly #random: RandomStream;
  /** Changes of this server wait for each other; only other servers can then come in between. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ first, last }: PortRange, objects: ObjectStore, random: RandomStream) {
    this.first = first;
    this.last = last;
    this.#objects = objects;
    this.#random = random;
  }

  /** Takes `port`; false where it is taken, undefined where it is outside the range. */
  async allocate(port: number): Promise<boolean | undefined> {
    if (port < this.first || port > this.last) return undefined;
    let taken = false;
    await this.#change((bits) => {
      taken = has(bits, port - this.first);
      return taken ? bits : bits | (1n << BigInt(port - this.first));
    });
    return !taken;
  }

  /** Takes a free port; undefined where there is none. */
  async allocateNext(): Promise<number | undefined> {
    let chosen: number | undefined;
    const count = this.last - this.first + 1;
    await this.#change((bits) => {
      const start = this.#random.int(count);
      chosen = undefined;
      for (let i = 0; i < count && chosen === undefined; i++) {
        const offset = (start + i) % count;
        if (!has(bits, offset)) chosen = this.first + offset;
      }
      return chosen === undefined ? bits : bits | (1n << BigInt(chosen - this.first));
    });
    return chosen;
  }

  async release(ports: readonly number[]): Promise<void> {
    const mine = ports.filter((port) => port >= this.first && port <= this.last);
    if (mine.length === 0) return;
    await this.#change((bits) =>
      mine.reduce((rest, port) => (has(rest, port - this.first) ? rest ^ (1n << BigInt(port - this.first)) : rest), bits),
    );
  }

  /** The ports that are taken. */
  async taken(): Promise<number[]> {
    const stored = await this.#objects.read(key);
    const bits = read(stored?.object as RangeAllocation | undefined);
    const ports: number[] = [];
    for (let offset = 0; offset <= this.last - this.first; offset++) if (has(bits, offset)) ports.push(this.first + offset);
    return ports;
  }

  #change(next: (bits: bigint) => bigint): Promise<void> {
    const turn = this.#last.then(() => this.#changeNow(next));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #changeNow(next: (bits: bigint) => bigint): Promise<void> {
    await this.#objects.update(key, undefined, (current) => {
      const before = current?.object as RangeAllocation | undefined;
      const bits = read(before);
      const after = next(bits);
      if (after === bits && current !== undefined) return { keep: true };
      const range = `${this.first}-${this.last}`;
      return { put: { kind: 'RangeAllocation', apiVersion: 'v1', metadata: {}, range, data: write(after) } as RangeAllocation };
    });
  }
}

function has(bits: bigint, offset: number): boolean {
  return ((bits >> BigInt(offset)) & 1n) === 1n;
}

function read(allocation: RangeAllocation | undefined): bigint {
  const hex = Buffer.from(allocation?.data ?? '', 'base64').toString('hex');
  return hex === '' ? 0n : BigInt(`0x${hex}`);
}

function write(bits: bigint): string {
  const hex = bits.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64');
}
