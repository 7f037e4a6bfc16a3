// Calls between members (proto/drydock/raft/v1/peer.proto): their paths, who makes them, and grpc-js for those that are rare, with
// bytes passed through: this wire's codecs are our own.

import type { Client, Metadata } from '@grpc/grpc-js';
import type { MemberId } from 'raft-ts/types.ts';
import type { CallMetadata } from '../rpc/service.ts';
import { parseUrl } from '../server/urls.ts';
import { grpcCredentials, grpcTarget } from '../tls/grpc-client.ts';
import { grpcJs } from '../tls/grpc-js.ts';
import type { TlsSettings } from '../tls/settings.ts';

const passThrough = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const passBack = (bytes: Buffer): Buffer => bytes;
export const messagesPath = '/drydock.raft.v1.Peer/Messages';
export const snapshotPath = '/drydock.raft.v1.Peer/Snapshot';
export const hashPath = '/drydock.raft.v1.Peer/HashKV';
export const membersPath = '/drydock.raft.v1.Peer/Members';

export const serialize = passThrough;
export const deserialize = passBack;

/** Pings that show a dead connection; heartbeats flow anyway, this is for links that are idle. Milliseconds. */
export const keepaliveMs = 2000;
/** As long as etcd waits for a byte of another member: one that is busy is not dead. */
const keepaliveTimeoutMs = 5000;
/** More than the largest request plus its neighbours in a batch. */
export const receiveBytesMax = 128 << 20;

const channelOptions = {
  'grpc.keepalive_time_ms': keepaliveMs,
  'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': receiveBytesMax,
  'grpc.max_send_message_length': receiveBytesMax,
  // Reconnecting is the link's business, see link.ts.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
} as const;

/** A connection of its own to a member's URL. */
export function createClient(url: string, tls: TlsSettings | undefined): Client {
  const { target, secure, options, verifyOptions } = grpcTarget(parseUrl(url));
  const { Client, credentials } = grpcJs();
  if (!secure) return new Client(target, credentials.createInsecure(), channelOptions);
  return new Client(target, grpcCredentials(tls, verifyOptions), { ...channelOptions, ...options });
}

/** What a removed member is told, with PERMISSION_DENIED (etcd's rafthttp has the same text). */
export const permissionDenied = 7;
export const removedText = 'the member has been permanently removed from the cluster';

/** Who speaks to whom in which cluster. */
export interface CallIdentity {
  readonly clusterId: bigint;
  readonly from: MemberId;
  readonly to: MemberId;
  /** Where the caller listens; empty where it does not say. */
  readonly peerUrls: readonly string[];
}

const keys = { clusterId: 'drydock-cluster-id', from: 'drydock-from', to: 'drydock-to' } as const;
const peerUrlsKey = 'drydock-peer-urls';

/** The metadata of a member's calls. */
export function identityHeaders(identity: CallIdentity): [string, string][] {
  const headers: [string, string][] = [
    [keys.clusterId, hex(identity.clusterId)],
    [keys.from, hex(identity.from)],
    [keys.to, hex(identity.to)],
  ];
  if (identity.peerUrls.length > 0) headers.push([peerUrlsKey, identity.peerUrls.join()]);
  return headers;
}

/** The same, for calls through grpc-js. */
export function identityMetadata(identity: CallIdentity): Metadata {
  const metadata = new (grpcJs().Metadata)();
  for (const [name, value] of identityHeaders(identity)) metadata.set(name, value);
  return metadata;
}

/** Undefined where a part is missing or malformed. */
export function identityOf(metadata: CallMetadata): CallIdentity | undefined {
  const [clusterId, from, to] = [keys.clusterId, keys.from, keys.to].map((key) => parseHex(metadata.get(key)));
  if (clusterId === undefined || from === undefined || to === undefined) return undefined;
  const urls = (metadata.get(peerUrlsKey) ?? '').split(',');
  return { clusterId, from, to, peerUrls: urls.filter((url) => URL.canParse(url)) };
}

function hex(id: bigint): string {
  return id.toString(16).padStart(16, '0');
}

function parseHex(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[0-9a-f]{16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
}
