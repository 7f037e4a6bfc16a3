// The content of one file: what programs see, what is on the platter, and the writes in between.
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Tally } from './tally.ts';

/** Writes reach a real disk in sectors; a write that power cuts short is torn at one. */
const sectorBytes = 512;

interface Change {
  readonly offset: number;
  /** Undefined: the length was set to `offset`. */
  readonly data: Uint8Array | undefined;
  /** By itself, whatever becomes of those before it. */
  readonly durable?: boolean;
}

export class FileContent {
  #durable: Uint8Array = new Uint8Array(0);
  current: Uint8Array = new Uint8Array(0);
  /** Since the last sync, in order. */
  #changes: Change[] = [];

  write(data: Uint8Array, offset: number): void {
    this.#do({ offset, data: data.slice() });
  }

  truncate(length: number): void {
    this.#do({ offset: length, data: undefined });
  }

  /** A write that is durable, and nothing before it. */
  writeDurably(data: Uint8Array, offset: number): void {
    this.#do({ offset, data: data.slice(), durable: true });
  }

  /** Part of a write, up to a sector boundary: the program died in it. */
  writePart(data: Uint8Array, offset: number, random: RandomStream): void {
    this.write(data.subarray(0, torn(offset, data.length, random)), offset);
  }

  sync(): void {
    for (const change of this.#changes) this.#durable = applied(this.#durable, change);
    this.#changes = [];
  }

  /**
   * Power fails: each write since the last sync is there, is lost, or is torn, independently, as on a cache that reorders. Without
   * `random` all are lost. What was written durably is there.
   */
  losePower(random: RandomStream | undefined, tally: Tally): void {
    for (const change of this.#changes) {
      if (change.durable === true) this.#durable = applied(this.#durable, change);
      else if (random !== undefined) this.#keep(change, random, tally);
    }
    this.#changes = [];
    this.current = this.#durable.slice();
  }

  /** The bits of one byte flip, on the platter. */
  corrupt(offset: number): void {
    for (const bytes of [this.#durable, this.current]) if (offset < bytes.length) bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
  }

  #keep(change: Change, random: RandomStream, tally: Tally): void {
    const sectors = change.data === undefined ? 1 : sectorsOf(change.offset, change.data.length);
    const fate = random.int(sectors > 1 ? 6 : 2);
    if (fate === 0) {
      tally.add('write lost with the power');
      return;
    }
    if (fate === 1 || change.data === undefined) {
      tally.add('write kept without a sync');
      this.#durable = applied(this.#durable, change);
      return;
    }
    const data = change.data.subarray(0, torn(change.offset, change.data.length, random));
    if (data.length > 0) tally.add('write torn by the power');
    this.#durable = applied(this.#durable, { offset: change.offset, data });
  }

  #do(change: Change): void {
    this.current = applied(this.current, change);
    this.#changes.push(change);
  }
}

/** How much of a write is there: up to the end of one of the sectors it goes over, but not all of it. */
function torn(offset: number, length: number, random: RandomStream): number {
  const kept = random.int(Math.max(1, sectorsOf(offset, length)));
  return kept === 0 ? 0 : (Math.floor(offset / sectorBytes) + kept) * sectorBytes - offset;
}

function sectorsOf(offset: number, length: number): number {
  return Math.ceil((offset + length) / sectorBytes) - Math.floor(offset / sectorBytes);
}

/** In place where it fits: files are preallocated, so that is the usual case. */
function applied(content: Uint8Array, { offset, data }: Change): Uint8Array {
  if (data === undefined) return resized(content, offset);
  const target = resized(content, Math.max(content.length, offset + data.length));
  target.set(data, offset);
  return target;
}

function resized(content: Uint8Array, length: number): Uint8Array {
  if (length === content.length) return content;
  const result = new Uint8Array(length);
  result.set(content.subarray(0, Math.min(length, content.length)));
  return result;
}
