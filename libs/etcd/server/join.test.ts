import { loadSync } from '@grpc/proto-loader';
import { expect, test } from 'vitest';
import { type ClusterDescription, decodeDescription, encodeDescription } from './cluster-description.ts';
import { findOwnEntry, hasServed, JoinError } from './join.ts';

const a = { ID: 0xa1n, name: 'a', peerURLs: ['http://h1:2380'], clientURLs: ['http://h1:2379'], isLearner: false };
const b = { ID: 0xb2n, name: '', peerURLs: ['http://h2:2380', 'http://h2:2480'], clientURLs: [], isLearner: true };
const cluster: ClusterDescription = { clusterId: 0xc1n, members: [a, b], removed: [0xd4n] };
const describedA = { name: 'a', peerUrls: ['http://h1:2380'] };

test('a description survives the wire', () => {
  expect(decodeDescription(encodeDescription(cluster))).toEqual(cluster);
});

test('a description is what the peer wire says it is', () => {
  const definition = loadSync(new URL('../../../proto/drydock/raft/v1/peer.proto', import.meta.url).pathname, {
    keepCase: true,
    longs: String,
    defaults: true,
  });
  const service = definition['drydock.raft.v1.Peer'] as unknown as {
    Members: { responseSerialize(value: object): Buffer; responseDeserialize(bytes: Buffer): object };
  };
  const plain = {
    cluster_id: '193',
    members: cluster.members.map((member) => ({ ...member, ID: `${member.ID}` })),
    removed: ['212'],
  };
  expect(service.Members.responseDeserialize(encodeDescription(cluster))).toEqual(plain);
  expect(decodeDescription(service.Members.responseSerialize(plain))).toEqual(cluster);
});

test('the entry with the same peer URLs is its own, whatever their order', () => {
  const described = [{ name: 'b', peerUrls: ['http://h2:2480', 'http://h2:2380'] }, describedA];
  expect(findOwnEntry('b', described, cluster).ID).toBe(0xb2n);
});

test('names of hosts count by their addresses', () => {
  const described = [{ name: 'b', peerUrls: ['http://10.0.0.2:2380', 'http://10.0.0.2:2480'] }, describedA];
  const resolved = new Map([
    ['http://h2:2380', 'http://10.0.0.2:2380'],
    ['http://h2:2480', 'http://10.0.0.2:2480'],
  ]);
  expect(findOwnEntry('b', described, cluster, resolved).ID).toBe(0xb2n);
});

// The texts are those of etcd 3.5.30 in the same situations.
const listed =
  '{ClusterID:c1 Members:[&{ID:a1 RaftAttributes:{PeerURLs:[http://h1:2380] IsLearner:false} Attributes:{Name:a ClientURLs:[http://h1:2379]}} ' +
  '&{ID:b2 RaftAttributes:{PeerURLs:[http://h2:2380 http://h2:2480] IsLearner:true} Attributes:{Name: ClientURLs:[]}}] RemovedMemberIDs:[d4]}';

test.each([
  { what: 'a member is missing', described: [describedA], reason: 'member count is unequal' },
  {
    what: 'another URL',
    described: [describedA, { name: 'b', peerUrls: ['http://h3:2380'] }],
    reason:
      'PeerURLs: no match found for existing member (b2, [http://h2:2380 http://h2:2480]), ' +
      'last resolver error (resolved urls: "http://h2:2380,http://h2:2480" != "http://h3:2380")',
  },
])('refused: $what', ({ described, reason }) => {
  expect(() => findOwnEntry('b', described, cluster)).toThrow(new JoinError(`error validating peerURLs ${listed}: ${reason}`));
});

test('a name that the flags do not describe', () => {
  const described = [describedA, { name: 'b', peerUrls: b.peerURLs }];
  expect(() => findOwnEntry('x', described, cluster)).toThrow('couldn\'t find local name "x"');
});

test('a member has served when the cluster knows where its clients find it', () => {
  expect(hasServed(0xa1n, [cluster])).toBe(true);
  expect(hasServed(0xb2n, [cluster])).toBe(false);
  expect(hasServed(0xa1n, [])).toBe(false);
});
