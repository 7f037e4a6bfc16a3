// A client of the store: typed calls to any member over the simulated network.
import {
  CompactionRequest,
  DeleteRangeRequest,
  DeleteRangeResponse,
  HashKVRequest,
  HashKVResponse,
  HeaderOnly,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  MemberAddRequest,
  MemberAddResponse,
  MemberIdRequest,
  MemberListRequest,
  MembersResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from '@drydock/etcd/rpc/messages.ts';
import { decode, encode, type MessageOf, type Schema } from '@drydock/etcd/rpc/protobuf.ts';
import { ClientCall, unaryCall } from './calls.ts';
import type { SimCluster } from './cluster.ts';
import type { MemberHost } from './member-host.ts';
import { SimProcess } from './process.ts';

/** A unary method of the API. */
export interface ApiMethod<I extends Schema, O extends Schema> {
  readonly path: string;
  readonly request: I;
  readonly response: O;
}

const method = <I extends Schema, O extends Schema>(path: string, request: I, response: O): ApiMethod<I, O> => ({
  path: `/etcdserverpb.${path}`,
  request,
  response,
});

export const api = {
  range: method('KV/Range', RangeRequest, RangeResponse),
  put: method('KV/Put', PutRequest, PutResponse),
  deleteRange: method('KV/DeleteRange', DeleteRangeRequest, DeleteRangeResponse),
  txn: method('KV/Txn', TxnRequest, TxnResponse),
  compact: method('KV/Compact', CompactionRequest, HeaderOnly),
  leaseGrant: method('Lease/LeaseGrant', LeaseGrantRequest, LeaseGrantResponse),
  leaseRevoke: method('Lease/LeaseRevoke', LeaseRevokeRequest, HeaderOnly),
  leaseTimeToLive: method('Lease/LeaseTimeToLive', LeaseTimeToLiveRequest, LeaseTimeToLiveResponse),
  memberList: method('Cluster/MemberList', MemberListRequest, MembersResponse),
  memberAdd: method('Cluster/MemberAdd', MemberAddRequest, MemberAddResponse),
  memberPromote: method('Cluster/MemberPromote', MemberIdRequest, MembersResponse),
  memberRemove: method('Cluster/MemberRemove', MemberIdRequest, MembersResponse),
  hashKv: method('Maintenance/HashKV', HashKVRequest, HashKVResponse),
} as const;

/** How long a client waits for an answer. */
const timeoutUs = 10_000_000;

export class SimClient {
  readonly life: SimProcess;
  readonly cluster: SimCluster;
  #calls = 0;

  constructor(cluster: SimCluster, name: string) {
    this.cluster = cluster;
    this.life = new SimProcess(cluster.world, name);
  }

  /** Rejects with CallError. */
  async call<I extends Schema, O extends Schema>(
    host: MemberHost,
    { path, request, response }: ApiMethod<I, O>,
    message: Partial<MessageOf<I>>,
  ): Promise<MessageOf<O>> {
    const { world, network } = this.cluster;
    const number = ++this.#calls;
    world.note(`${this.life.name} #${number} ${path} > ${host.name}`);
    try {
      const target = { client: this.life, network, place: host.name, serving: host.serving, path };
      const answer = await unaryCall(target, encode(request, message), timeoutUs);
      world.note(`${this.life.name} #${number} ${answer.toString('latin1').length} bytes`);
      return decode(response, answer);
    } catch (error) {
      world.note(`${this.life.name} #${number} ${error instanceof Error ? error.message : error}`);
      throw error;
    }
  }

  /** A stream of requests and responses. */
  stream(host: MemberHost, service: string): ClientCall {
    const { network, world } = this.cluster;
    world.note(`${this.life.name} opens ${service} > ${host.name}`);
    const path = `/etcdserverpb.${service}`;
    return new ClientCall({ client: this.life, network, place: host.name, serving: host.serving, path });
  }

  sleep(us: number): Promise<void> {
    return new Promise((resolve) => this.life.after(us, resolve));
  }
}
