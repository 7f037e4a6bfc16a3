// Who belongs to the cluster, as the log says it: part of the replicated state. Ids are computed as etcd computes them.
import { createHash } from 'node:crypto';
import { limits } from '../limits.ts';
import type { Backend } from '../mvcc/backend.ts';
import { Member } from '../rpc/messages.ts';
import { decode, encode } from '../rpc/protobuf.ts';

/** First 8 bytes of SHA-1 over the sorted peer URLs and the cluster token; `unixSeconds` for a member that is added later. */
export function memberId(peerUrls: readonly string[], token: string, unixSeconds?: number): bigint {
  const text = [...peerUrls].sort().join('') + token + (unixSeconds === undefined ? '' : String(Math.floor(unixSeconds)));
  return createHash('sha1').update(text).digest().readBigUInt64BE(0);
}

/** First 8 bytes of SHA-1 over the sorted member ids. */
export function clusterId(members: readonly bigint[]): bigint {
  const hash = createHash('sha1');
  for (const id of [...members].sort((a, b) => (a < b ? -1 : 1))) {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64BE(id);
    hash.update(bytes);
  }
  return hash.digest().readBigUInt64BE(0);
}

export function hexId(id: bigint): string {
  return id.toString(16);
}

const refusedMark = 'refusedChange/';

export class Members {
  readonly #members = new Map<bigint, Member>();
  /** Ids are never used again. */
  readonly #removed = new Set<bigint>();
  /** Indexes of changes that were not taken, oldest first; the log may be read again. */
  readonly #refused = new Set<number>();
  readonly #backend: Backend;
  /** Told of every change, and of everyone after a restore: undefined where the member was removed. */
  onChange: (id: bigint, member: Member | undefined) => void = () => {};

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get(id: bigint): Member | undefined {
    return this.#members.get(id);
  }

  /** By id. */
  list(): Member[] {
    return [...this.#members.values()].sort((a, b) => (a.ID < b.ID ? -1 : 1));
  }

  /** Those that were removed from the cluster, by id. */
  removed(): bigint[] {
    return [...this.#removed].sort((a, b) => (a < b ? -1 : 1));
  }

  isRemoved(id: bigint): boolean {
    return this.#removed.has(id);
  }

  set(member: Member): void {
    this.#members.set(member.ID, member);
    this.#backend.setRecord('member', hexId(member.ID), encode(Member, member));
    this.onChange(member.ID, member);
  }

  remove(id: bigint): void {
    if (!this.#members.delete(id)) return;
    this.#removed.add(id);
    this.#backend.setRecord('member', hexId(id), undefined);
    this.#backend.setRecord('memberRemoved', hexId(id), Buffer.alloc(0));
    this.onChange(id, undefined);
  }

  /** One that was removed elsewhere, and never was a member here. */
  forget(id: bigint): void {
    this.#removed.add(id);
    this.#backend.setRecord('memberRemoved', hexId(id), Buffer.alloc(0));
  }

  /** A change at this place of the log was not taken. */
  refuse(index: number): void {
    this.#refused.add(index);
    this.#backend.setRecord('meta', `${refusedMark}${index}`, Buffer.alloc(0));
    const [oldest = 0] = this.#refused;
    if (this.#refused.size <= limits.refusedChangesKept) return;
    this.#refused.delete(oldest);
    this.#backend.setRecord('meta', `${refusedMark}${oldest}`, undefined);
  }

  refused(index: number): boolean {
    return this.#refused.has(index);
  }

  restore(): void {
    const gone = new Set(this.#members.keys());
    this.#members.clear();
    for (const { value } of this.#backend.records('member')) {
      const member = decode(Member, Buffer.from(value));
      gone.delete(member.ID);
      this.#members.set(member.ID, member);
      this.onChange(member.ID, member);
    }
    this.#refused.clear();
    const marks = [...this.#backend.records('meta')]
      .map(({ key }) => key.toString())
      .filter((key) => key.startsWith(refusedMark));
    for (const index of marks.map((key) => Number(key.slice(refusedMark.length))).sort((a, b) => a - b))
      this.#refused.add(index);
    this.#removed.clear();
    for (const { key } of this.#backend.records('memberRemoved')) this.#removed.add(BigInt(`0x${key.toString()}`));
    for (const id of new Set([...gone, ...this.#removed])) this.onChange(id, undefined);
  }
}
