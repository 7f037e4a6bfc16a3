// One committed request: what it changes and what it answers.
import type { LogIndex } from 'raft-ts/types.ts';
import { applyAuthChange, isAuthKind } from '../auth/auth-changes.ts';
import { rootUser } from '../auth/auth-store.ts';
import type { Identity } from '../auth/identity.ts';
import { simpleToken } from '../auth/simple-tokens.ts';
import { EtcdError } from '../errors.ts';
import { encodeTtl, leaseKey } from '../lease/lease-record.ts';
import { keyRange } from '../mvcc/key-range.ts';
import { applyDelete, applyPut, applyTxn } from '../mvcc/kv.ts';
import { headerAt } from '../mvcc/range.ts';
import { InternalAuthenticateRequest } from '../rpc/auth-messages.ts';
import {
  AlarmRequest,
  alarmAction,
  alarmType,
  CompactionRequest,
  DeleteRangeRequest,
  DowngradeInfo,
  LeaseGrantRequest,
  LeaseRevokeRequest,
  Member,
  PutRequest,
  TxnRequest,
} from '../rpc/messages.ts';
import { decodeLogged } from '../rpc/protobuf.ts';
import type { ProposalKind } from './proposal.ts';
import { hasPut } from './quota.ts';
import type { EtcdStateMachine } from './state-machine.ts';

/** Where a request stands in the log, and who asked. */
export interface RequestContext {
  readonly identity: Identity | undefined;
  readonly index: LogIndex;
  readonly nowMs: number;
}

/** Throws EtcdError where the request is refused; nothing has changed then. */
export function applyRequest(machine: EtcdStateMachine, kind: ProposalKind, payload: Buffer, context: RequestContext): object {
  const { store, kv, lessor, guard } = machine;
  const { identity } = context;
  if (isAuthKind(kind)) {
    guard.admin(identity);
    applyAuthChange(machine.auth, kind, payload);
    return { header: headerAt(store.revision) };
  }
  switch (kind) {
    case 'put': {
      refuseWithoutSpace(machine);
      const request = decodeLogged(PutRequest, payload);
      guard.put(identity, request);
      return applyPut(kv, request);
    }
    case 'deleteRange': {
      refuseCorrupt(machine);
      const request = decodeLogged(DeleteRangeRequest, payload);
      guard.deleteRange(identity, request);
      return applyDelete(kv, request);
    }
    case 'txn': {
      const request = decodeLogged(TxnRequest, payload);
      if (hasPut(request)) refuseWithoutSpace(machine);
      else refuseCorrupt(machine);
      guard.txn(identity, request);
      return applyTxn(kv, request);
    }
    case 'compact':
      refuseCorrupt(machine);
      guard.admin(identity);
      store.compact(decodeLogged(CompactionRequest, payload).revision);
      return { header: headerAt(store.revision) };
    case 'leaseGrant': {
      refuseWithoutSpace(machine);
      const { ID, TTL } = decodeLogged(LeaseGrantRequest, payload);
      guard.user(identity);
      lessor.grant(ID, TTL, context.nowMs);
      machine.backend.setRecord('lease', leaseKey(ID), encodeTtl(TTL));
      return { header: headerAt(store.revision), ID, TTL };
    }
    case 'leaseRevoke':
      refuseCorrupt(machine);
      return revoke(machine, decodeLogged(LeaseRevokeRequest, payload).ID, identity);
    case 'alarm': {
      const request = decodeLogged(AlarmRequest, payload);
      return { header: headerAt(store.revision), alarms: machine.alarms.apply(request) };
    }
    case 'memberAttributes': {
      const { ID, name, clientURLs } = decodeLogged(Member, payload);
      const known = machine.members.get(ID);
      if (known !== undefined) machine.members.set({ ...known, name, clientURLs });
      return {};
    }
    case 'downgrade':
      machine.downgrade.set(decodeLogged(DowngradeInfo, payload));
      return { header: headerAt(store.revision) };
    case 'authenticate':
      return authenticate(machine, payload, context.index);
  }
}

/** The password was checked before; the user may have changed since. Without a name it is a member, which acts for root. */
function authenticate(machine: EtcdStateMachine, payload: Buffer, index: LogIndex): object {
  const { auth, store } = machine;
  const { name, simple_token: prefix } = decodeLogged(InternalAuthenticateRequest, payload);
  if (!auth.enabled) throw new EtcdError('authNotEnabled');
  const user = auth.user(name);
  if (name !== '' && (user === undefined || user.options?.no_password === true)) throw new EtcdError('authFailed');
  const token = simpleToken(prefix, index);
  machine.onAuthenticated(token, name === '' ? rootUser : name);
  return { header: headerAt(store.revision), token };
}

/** An alarm request of this kind changes nothing and needs no log entry. */
export function isAlarmQuery(request: AlarmRequest): boolean {
  return request.action === alarmAction.get;
}

/** Deletes the lease's keys in one transaction, in their order. */
function revoke(machine: EtcdStateMachine, id: bigint, identity: Identity | undefined): object {
  const { lessor, store, guard } = machine;
  guard.user(identity);
  guard.leaseWrite(identity, id);
  const lease = lessor.get(id);
  if (lease === undefined) throw new EtcdError('leaseNotFound');
  const keys = [...lease.keys].sort();
  store.write((txn) => {
    for (const key of keys) txn.deleteRange(keyRange(key, ''));
  });
  lessor.remove(id);
  machine.backend.setRecord('lease', leaseKey(id), undefined);
  return { header: headerAt(store.revision) };
}

function refuseWithoutSpace(machine: EtcdStateMachine): void {
  refuseCorrupt(machine);
  if (machine.alarms.has(alarmType.noSpace)) throw new EtcdError('noSpace');
}

function refuseCorrupt(machine: EtcdStateMachine): void {
  if (machine.alarms.has(alarmType.corrupt)) throw new EtcdError('corrupt');
}
