// An entry of etcd's log as ours has it. What has no effect here becomes an entry that changes nothing, for indexes must not change;
// what has an effect that ours cannot have is refused. Facts of etcd's raft_internal.proto and server/etcdserver/apply.
import { encodeConfigChange } from 'raft-ts/config-codec.ts';
import type { ConfigChangeType, Entry } from 'raft-ts/types.ts';
import type { Identity } from '../auth/identity.ts';
import { UserAddRequest, UserChangePasswordRequest } from '../rpc/auth-messages.ts';
import { Member } from '../rpc/messages.ts';
import { bytes, decode, encode, int, type MessageOf, many, message, string, uint64 } from '../rpc/protobuf.ts';
import { CodecError, Reader } from '../rpc/wire.ts';
import { encodeProposal, type ProposalKind } from '../server/proposal.ts';
import type { WalEntry } from './etcd-wal.ts';

/** raftpb.EntryType */
const entryTypes = { normal: 0, configChange: 1 } as const;
/** raftpb.ConfChange; `node_id` is whom it is about. */
const ConfChange = { type: int(2), node_id: uint64(3), context: bytes(4) };
const changeTypes: readonly ConfigChangeType[] = ['addVoter', 'remove', 'update', 'addLearner'];

/** etcdserverpb.Request: of the API that was etcd's before version 3; members announced themselves by it until 3.6. */
const V2Request = { Method: string(2), Path: string(3), Val: string(4) };
const v2Methods = ['GET', 'QGET', 'PUT', 'POST', 'DELETE', 'SYNC'];
const attributesPath = /^\/0\/members\/([0-9a-f]+)\/attributes$/;
const clusterVersionPath = '/0/version';

const RequestHeader = { ID: uint64(1), username: string(2), auth_revision: int(3) };
const MemberAttributes = { name: string(1), client_urls: many(string(2)) };
const ClusterMemberAttrSet = { member_ID: uint64(1), member_attributes: message(2, MemberAttributes) };

/** Fields of InternalRaftRequest that ours proposes under the same content. */
const passedOn: Readonly<Record<number, ProposalKind>> = {
  4: 'put',
  5: 'deleteRange',
  6: 'txn',
  7: 'compact',
  8: 'leaseGrant',
  9: 'leaseRevoke',
  10: 'alarm',
  1000: 'authEnable',
  1011: 'authDisable',
  1012: 'authenticate',
  1100: 'userAdd',
  1101: 'userDelete',
  1103: 'userChangePassword',
  1104: 'userGrantRole',
  1105: 'userRevokeRole',
  1200: 'roleAdd',
  1201: 'roleDelete',
  1203: 'roleGrantPermission',
  1204: 'roleRevokePermission',
  1301: 'downgrade',
};
/**
 * Reads, and what is each member's own here: the rest of a lease's time, the cluster's version. By field: range, lease_checkpoint,
 * auth_status, auth_user_get, auth_user_list, auth_role_list, auth_role_get, cluster_version_set, downgrade_version_test.
 */
const withoutEffect: readonly number[] = [3, 11, 1013, 1102, 1106, 1107, 1202, 1300, 9900];
const v2Field = 2;
const headerField = 100;
const attributesField = 1302;

export interface Translated {
  readonly entry: Entry;
  /** Why ours cannot do what it says. */
  readonly refusal: string | undefined;
  /** What it changes is part of the membership, and of no database. */
  readonly membership: boolean;
}

export function translateEntry(entry: MessageOf<typeof WalEntry>): Translated {
  const { term, index } = entry;
  const as = (type: Entry['type'], data: Uint8Array, membership: boolean): Translated => ({
    entry: { term, index, type, data },
    refusal: undefined,
    membership,
  });
  try {
    if (entry.type === entryTypes.configChange) return as('configChange', configChange(entry.data), true);
    if (entry.type !== entryTypes.normal) throw new NotTranslated('is a change of several members at once');
    // A leader's first.
    if (entry.data.length === 0) return as('normal', new Uint8Array(0), false);
    const { data, membership } = request(entry.data);
    return as('normal', data, membership);
  } catch (error) {
    if (!(error instanceof NotTranslated) && !(error instanceof CodecError) && !(error instanceof SyntaxError)) throw error;
    const membership = error instanceof NotTranslated && error.outsideDatabase;
    return {
      ...as('normal', nothing(), membership),
      refusal: `entry ${index} ${error instanceof NotTranslated ? error.message : `cannot be read: ${error.message}`}`,
    };
  }
}

class NotTranslated extends Error {
  override readonly name = 'NotTranslated';
  /** The database does not have it either. */
  readonly outsideDatabase: boolean;

  constructor(message: string, outsideDatabase = false) {
    super(message);
    this.outsideDatabase = outsideDatabase;
  }
}

function configChange(data: Buffer): Uint8Array {
  const { type, node_id, context } = decode(ConfChange, data);
  const known = changeTypes[type];
  if (known === undefined) throw new NotTranslated(`is a change of membership of kind ${type}`);
  // Nobody has proposed what is without context and id: a change that etcd itself has made void.
  if (node_id === 0n) return encodeConfigChange({ steps: [], context: new Uint8Array(0) });
  const described = context.length === 0 ? {} : (JSON.parse(context.toString()) as Partial<Described>);
  const isPromotion = described.isPromote === true;
  const member = encode(Member, {
    ID: node_id,
    name: described.name ?? '',
    // A promotion is told by that it says nothing else.
    peerURLs: isPromotion || known === 'remove' ? [] : (described.peerURLs ?? []),
    clientURLs: described.clientURLs ?? [],
    isLearner: known === 'addLearner',
  });
  return encodeConfigChange({
    steps: [{ type: known, id: node_id }],
    context: encodeProposal('memberAttributes', 0n, 0n, member),
  });
}

/** membership.Member and ConfigChangeContext in JSON, but for the id, which is too large for a number. */
interface Described {
  readonly name: string;
  readonly peerURLs: string[];
  readonly clientURLs: string[];
  readonly isPromote: boolean;
}

function request(data: Buffer): { data: Buffer; membership: boolean } {
  const fields = messageFields(data);
  const header = fields.get(headerField);
  const identity = header === undefined ? undefined : identityOf(header);
  const v2 = fields.get(v2Field);
  // A request of the old API is an entry of its own, whose second field is the method, or part of one as others are.
  if (v2 !== undefined) return v2Request(v2Methods.includes(v2.toString('latin1')) ? data : v2);
  const kind = [...fields.keys()].find((field) => field !== headerField && field !== 1);
  if (kind === undefined) return { data: nothing(), membership: false };
  const payload = fields.get(kind) ?? Buffer.alloc(0);
  if (kind === attributesField) {
    const { member_ID, member_attributes } = decode(ClusterMemberAttrSet, payload);
    return attributes(member_ID, member_attributes?.name ?? '', member_attributes?.client_urls ?? []);
  }
  if (withoutEffect.includes(kind)) return { data: nothing(), membership: false };
  const known = passedOn[kind];
  if (known === undefined) throw new NotTranslated(`is a request that is not known (field ${kind})`);
  if (known === 'userAdd' || known === 'userChangePassword') refuseUnhashed(known, payload);
  return { data: encodeProposal(known, 0n, 0n, payload, identity), membership: false };
}

/** etcd 3.4 hashes where the request is applied, each member for itself. */
function refuseUnhashed(kind: 'userAdd' | 'userChangePassword', payload: Buffer): void {
  const { password, hashedPassword } = decode(kind === 'userAdd' ? UserAddRequest : UserChangePasswordRequest, payload);
  if (password !== '' && hashedPassword === '')
    throw new NotTranslated('has a password that is not hashed (etcd 3.4 wrote it)');
}

function v2Request(payload: Buffer): { data: Buffer; membership: boolean } {
  const { Method, Path, Val } = decode(V2Request, payload);
  const [, id] = attributesPath.exec(Path) ?? [];
  if (Method === 'PUT' && id !== undefined) {
    const { name = '', clientURLs = [] } = JSON.parse(Val) as { name?: string; clientURLs?: string[] };
    return attributes(BigInt(`0x${id}`), name, clientURLs);
  }
  if (Method === 'SYNC' || (Method === 'PUT' && Path === clusterVersionPath)) return { data: nothing(), membership: false };
  throw new NotTranslated(`is a request of the v2 API, which etcd 3.6 does not have any more (${Method} ${Path})`, true);
}

function attributes(ID: bigint, name: string, clientURLs: readonly string[]): { data: Buffer; membership: boolean } {
  const member = encode(Member, { ID, name, peerURLs: [], clientURLs: [...clientURLs], isLearner: false });
  return { data: encodeProposal('memberAttributes', 0n, 0n, member), membership: true };
}

/** An entry without effect: attributes of nobody. */
function nothing(): Buffer {
  return attributes(0n, '', []).data;
}

function identityOf(header: Buffer): Identity | undefined {
  const { username, auth_revision } = decode(RequestHeader, header);
  return username === '' ? undefined : { user: username, revision: auth_revision };
}

/** Of a message whose fields are messages: their bytes by number; of numbers nothing. Throws CodecError. */
function messageFields(data: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>();
  const reader = new Reader(data);
  while (!reader.done) {
    const tag = reader.varint();
    const number = Math.floor(tag / 8);
    if (tag % 8 === 2) fields.set(number, reader.bytes());
    else reader.skip(tag % 8);
  }
  return fields;
}
