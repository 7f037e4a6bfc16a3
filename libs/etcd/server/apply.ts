// One committed request: what it changes and what it answers.
import { EtcdError } from '../errors.ts';
import { keyRange } from '../mvcc/key-range.ts';
import { applyDelete, applyPut, applyTxn } from '../mvcc/kv.ts';
import { headerAt } from '../mvcc/range.ts';
import {
  AlarmRequest,
  alarmAction,
  alarmType,
  CompactionRequest,
  DeleteRangeRequest,
  LeaseGrantRequest,
  LeaseRevokeRequest,
  Member,
  PutRequest,
  TxnRequest,
} from '../rpc/messages.ts';
import { decode } from '../rpc/protobuf.ts';
import type { ProposalKind } from './proposal.ts';
import { hasPut } from './quota.ts';
import type { EtcdStateMachine } from './state-machine.ts';

/** Throws EtcdError where the request is refused; nothing has changed then. */
export function applyRequest(machine: EtcdStateMachine, kind: ProposalKind, payload: Buffer, nowMs: number): object {
  const { store, kv, lessor } = machine;
  switch (kind) {
    case 'put':
      refuseWithoutSpace(machine);
      return applyPut(kv, decode(PutRequest, payload));
    case 'deleteRange':
      refuseCorrupt(machine);
      return applyDelete(kv, decode(DeleteRangeRequest, payload));
    case 'txn': {
      const request = decode(TxnRequest, payload);
      if (hasPut(request)) refuseWithoutSpace(machine);
      else refuseCorrupt(machine);
      return applyTxn(kv, request);
    }
    case 'compact':
      refuseCorrupt(machine);
      store.compact(decode(CompactionRequest, payload).revision);
      return { header: headerAt(store.revision) };
    case 'leaseGrant': {
      refuseWithoutSpace(machine);
      const { ID, TTL } = decode(LeaseGrantRequest, payload);
      lessor.grant(ID, TTL, nowMs);
      machine.backend.setRecord('lease', ID.toString(16), ttlRecord(TTL));
      return { header: headerAt(store.revision), ID, TTL };
    }
    case 'leaseRevoke':
      refuseCorrupt(machine);
      return revoke(machine, decode(LeaseRevokeRequest, payload).ID);
    case 'alarm': {
      const request = decode(AlarmRequest, payload);
      return { header: headerAt(store.revision), alarms: machine.alarms.apply(request) };
    }
    case 'memberAttributes': {
      const { ID, name, clientURLs } = decode(Member, payload);
      const known = machine.members.get(ID);
      if (known !== undefined) machine.members.set({ ...known, name, clientURLs });
      return {};
    }
  }
}

/** An alarm request of this kind changes nothing and needs no log entry. */
export function isAlarmQuery(request: AlarmRequest): boolean {
  return request.action === alarmAction.get;
}

/** Deletes the lease's keys in one transaction, in their order. */
function revoke(machine: EtcdStateMachine, id: bigint): object {
  const { lessor, store } = machine;
  const lease = lessor.get(id);
  if (lease === undefined) throw new EtcdError('leaseNotFound');
  const keys = [...lease.keys].sort();
  store.write((txn) => {
    for (const key of keys) txn.deleteRange(keyRange(key, ''));
  });
  lessor.remove(id);
  machine.backend.setRecord('lease', id.toString(16), undefined);
  return { header: headerAt(store.revision) };
}

function refuseWithoutSpace(machine: EtcdStateMachine): void {
  refuseCorrupt(machine);
  if (machine.alarms.has(alarmType.noSpace)) throw new EtcdError('noSpace');
}

function refuseCorrupt(machine: EtcdStateMachine): void {
  if (machine.alarms.has(alarmType.corrupt)) throw new EtcdError('corrupt');
}

function ttlRecord(seconds: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(8);
  buffer.writeBigInt64BE(BigInt(seconds));
  return buffer;
}
