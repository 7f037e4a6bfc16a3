// What a request may add to the backend, and whether there is room for it (`--quota-backend-bytes`). The numbers are etcd's.
import type { Backend } from '../mvcc/backend.ts';
import { PutRequest, TxnRequest } from '../rpc/messages.ts';
import { decodeLogged } from '../rpc/protobuf.ts';
import type { ProposalKind } from './proposal.ts';

/** A key-value beside its key and value, and a lease. Bytes. */
const keyValueOverheadBytes = 256;
const leaseBytes = 64;
/** Fewest bytes that a put takes in a transaction: three tags with their lengths, and a key. */
const putBytesMin = 7;

/** Bytes that a request may add: 0 for one that only reads or removes, which is served without space too. */
export function spaceCost(kind: ProposalKind, payload: Buffer): number {
  if (kind === 'put') return putCost(decodeLogged(PutRequest, payload));
  if (kind === 'txn') return txnCost(decodeLogged(TxnRequest, payload));
  return kind === 'leaseGrant' ? leaseBytes : 0;
}

export function hasPut(request: TxnRequest): boolean {
  return txnCost(request) > 0;
}

/** The dearer branch. */
function txnCost({ success, failure }: TxnRequest): number {
  return Math.max(branchCost(success), branchCost(failure));
}

function branchCost(branch: TxnRequest['success']): number {
  return branch.reduce((sum, { request_put: put, request_txn: nested }) => {
    if (put !== undefined) return sum + putCost(put);
    return nested !== undefined ? sum + txnCost(decodeLogged(TxnRequest, nested)) : sum;
  }, 0);
}

function putCost({ key, value }: Pick<PutRequest, 'key' | 'value'>): number {
  return keyValueOverheadBytes + key.length + value.length;
}

export class Quota {
  readonly #backend: Backend;
  readonly #quotaBytes: number;

  /** `quotaBytes` below 0: there is always room. */
  constructor(backend: Backend, quotaBytes: number) {
    this.#backend = backend;
    this.#quotaBytes = quotaBytes;
  }

  /** Whether the request fits. Decodes it only where the answer depends on that. */
  hasRoomFor(kind: ProposalKind, payload: Buffer): boolean {
    if (kind !== 'put' && kind !== 'txn' && kind !== 'leaseGrant') return true;
    if (this.#quotaBytes < 0) return true;
    const size = this.#size();
    const putsMax = payload.length / putBytesMin + 1;
    if (size + payload.length + putsMax * keyValueOverheadBytes < this.#quotaBytes) return true;
    const cost = spaceCost(kind, payload);
    return cost === 0 || size + cost < this.#quotaBytes;
  }

  /** What the file has, and what it must grow by for the writes that are not committed. */
  #size(): number {
    const { totalBytes, inUseBytes } = this.#backend.sizes();
    return totalBytes + Math.max(0, this.#backend.pendingBytes - (totalBytes - inUseBytes));
  }
}
