// etcdserverpb.KV. Writes go through the log as the client sent them; reads wait for a read point, or do not where the client
// asks for what this member has.
import { EtcdError } from '../errors.ts';
import { applyTxn, isReadOnly, isSerializable } from '../mvcc/kv.ts';
import { checkRange, encodeRange } from '../mvcc/range.ts';
import { checkDelete, checkPut, checkTxn } from '../mvcc/txn-check.ts';
import type { ProposalKind } from '../server/proposal.ts';
import type { EtcdServer } from '../server/server.ts';
import {
  CompactionRequest,
  DeleteRangeRequest,
  DeleteRangeResponse,
  HeaderOnly,
  PutRequest,
  PutResponse,
  RangeRequest,
  type ResponseHeader,
  TxnRequest,
  TxnResponse,
} from './messages.ts';
import { encode, type MessageOf } from './protobuf.ts';
import { answerWhenRoom, type Call, encodedUnary, requireLeader, type Service, service, unary } from './service.ts';

export function kvService(server: EtcdServer): Service {
  const { machine, counters, options } = server;
  const { guard } = machine;
  const identify = (call: Call) => server.access.identify(call);
  const propose = async <T extends { header: ResponseHeader | undefined }>(
    kind: ProposalKind,
    raw: Buffer,
    call: Call,
  ): Promise<T> => server.fill((await server.propose(kind, raw, await identify(call))) as T);

  return service('etcdserverpb.KV', {
    Range: encodedUnary(RangeRequest, async (request, call) => {
      requireLeader(call.metadata, server.hasLeader);
      checkRange(request);
      counters.ranges++;
      if (!request.serializable) await server.readPoint();
      const user = await identify(call);
      return answerWhenRoom(call, () => {
        guard.range(user, request);
        return encodeRange(machine.store, request, server.header());
      });
    }),
    Put: unary(PutRequest, PutResponse, async (request, raw, call) => {
      requireLeader(call.metadata, server.hasLeader);
      checkPut(request);
      counters.puts++;
      return propose('put', raw, call);
    }),
    DeleteRange: unary(DeleteRangeRequest, DeleteRangeResponse, async (request, raw, call) => {
      requireLeader(call.metadata, server.hasLeader);
      checkDelete(request);
      counters.deletes++;
      return propose('deleteRange', raw, call);
    }),
    Txn: encodedUnary(TxnRequest, async (request, call, raw) => {
      requireLeader(call.metadata, server.hasLeader);
      checkTxn(request, options.maxTxnOps);
      counters.txns++;
      if (!isReadOnly(request)) return encode(TxnResponse, await propose<MessageOf<typeof TxnResponse>>('txn', raw, call));
      if (!isSerializable(request)) await server.readPoint();
      const user = await identify(call);
      return answerWhenRoom(call, () => {
        guard.txn(user, request);
        return encode(TxnResponse, server.fill(applyTxn(machine.kv, request)));
      });
    }),
    Compact: unary(CompactionRequest, HeaderOnly, async (request, raw, call) => {
      requireLeader(call.metadata, server.hasLeader);
      const { store } = machine;
      guard.admin(await identify(call));
      if (request.revision > store.revision && server.isLeader) throw new EtcdError('futureRevision');
      const response = await propose<{ header: ResponseHeader | undefined }>('compact', raw, call);
      if (request.physical) await machine.compactionDone();
      return response;
    }),
  });
}
