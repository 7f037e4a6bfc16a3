// Equality of what the store shows.
import type { KeyValue, Response } from '../history/operation.ts';
import type { WatchEvent } from '../history/watch.ts';

export function sameKv(a: KeyValue | undefined, b: KeyValue | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.key === b.key &&
    a.value === b.value &&
    a.modRevision === b.modRevision &&
    a.createRevision === b.createRevision &&
    a.version === b.version &&
    a.lease === b.lease
  );
}

export function sameKvs(a: readonly KeyValue[], b: readonly KeyValue[]): boolean {
  return a.length === b.length && a.every((kv, i) => sameKv(kv, b[i]));
}

/** The event itself, not what it says about the key-value before. */
export function sameEvent(a: WatchEvent, b: WatchEvent): boolean {
  if (a.kind !== b.kind) return false;
  return a.kind === 'put' ? sameKv(a.kv, b.kv) : a.kv.key === b.kv.key && a.kv.modRevision === b.kv.modRevision;
}

/** Answers about keys, without the revision of the header. */
export function sameContent(a: Response, b: Response): boolean {
  if (a.kind === 'range') {
    return b.kind === 'range' && a.count === b.count && a.more === b.more && sameKvs(a.kvs, b.kvs);
  }
  if (a.kind === 'put') return b.kind === 'put' && sameKv(a.previous, b.previous);
  if (a.kind === 'delete') return b.kind === 'delete' && a.deleted === b.deleted && sameKvs(a.previous, b.previous);
  if (a.kind === 'txn') {
    if (b.kind !== 'txn' || a.succeeded !== b.succeeded || a.responses.length !== b.responses.length) return false;
    return a.responses.every((response, i) => {
      const other = b.responses[i];
      return other !== undefined && sameContent(response, other);
    });
  }
  return a.kind === b.kind;
}
