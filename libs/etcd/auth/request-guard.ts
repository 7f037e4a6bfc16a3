// What a user must be permitted for a request to be carried out. Each method throws EtcdError where something is missing, and
// asks for nothing while authentication is off. Asked when a request is applied, so that all members judge by the same state.
import { EtcdError } from '../errors.ts';
import type { Lessor } from '../lease/lessor.ts';
import { type DeleteRangeRequest, type PutRequest, type RangeRequest, TxnRequest } from '../rpc/messages.ts';
import { decodeLogged } from '../rpc/protobuf.ts';
import type { AuthStore } from './auth-store.ts';
import type { Identity } from './identity.ts';

type Who = Identity | undefined;

export class RequestGuard {
  readonly #auth: AuthStore;
  readonly #lessor: Lessor;

  constructor(auth: AuthStore, lessor: Lessor) {
    this.#auth = auth;
    this.#lessor = lessor;
  }

  /** Somebody is known. */
  user(who: Who): void {
    if (this.#auth.enabled && who === undefined) throw new EtcdError('userEmpty');
  }

  admin(who: Who): void {
    this.#auth.checkAdmin(who);
  }

  range(who: Who, request: Pick<RangeRequest, 'key' | 'range_end'>): void {
    this.#auth.checkKeys(who, 'read', request.key, request.range_end);
  }

  /** Also every key of its lease must be the user's to write: it ends with the lease. */
  put(who: Who, request: PutRequest): void {
    if (!this.#auth.enabled) return;
    this.#auth.checkKeys(who, 'write', request.key, '');
    this.leaseWrite(who, request.lease);
    if (request.prev_kv) this.#auth.checkKeys(who, 'read', request.key, '');
  }

  deleteRange(who: Who, request: DeleteRangeRequest): void {
    if (!this.#auth.enabled) return;
    this.#auth.checkKeys(who, 'write', request.key, request.range_end);
    if (request.prev_kv) this.#auth.checkKeys(who, 'read', request.key, request.range_end);
  }

  /** Both branches, whichever will be run. */
  txn(who: Who, request: TxnRequest): void {
    if (!this.#auth.enabled) return;
    for (const { key, range_end } of request.compare) this.#auth.checkKeys(who, 'read', key, range_end);
    for (const op of [...request.success, ...request.failure]) {
      if (op.request_range !== undefined) this.range(who, op.request_range);
      if (op.request_put !== undefined) this.put(who, op.request_put);
      if (op.request_delete_range !== undefined) this.deleteRange(who, op.request_delete_range);
      if (op.request_txn !== undefined) this.txn(who, decodeLogged(TxnRequest, op.request_txn));
    }
  }

  /** To end a lease or to make it last is to decide about its keys. */
  leaseWrite(who: Who, lease: bigint): void {
    this.#leaseKeys(who, 'write', lease);
  }

  leaseRead(who: Who, lease: bigint): void {
    this.#leaseKeys(who, 'read', lease);
  }

  #leaseKeys(who: Who, access: 'read' | 'write', lease: bigint): void {
    if (!this.#auth.enabled || (who !== undefined && this.#auth.isRoot(who.user))) return;
    for (const key of [...(this.#lessor.get(lease)?.keys ?? [])].sort()) this.#auth.checkKeys(who, access, key, '');
  }
}
