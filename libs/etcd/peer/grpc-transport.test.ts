// Real sockets: three members in one process, on ports of the system's choice.
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log, silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { forBothSides, servingCertificate } from '@drydock/pki/certificate.ts';
import type { Message } from 'raft-ts/types.ts';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../testing/free-ports.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { askMembers, resolveUrls } from './ask-members.ts';
import { createGrpcTransport, PeerListenError } from './grpc-transport.ts';
import type { PeerHandler, SnapshotMessage, Transport } from './transport.ts';

const conf = { voters: [1n, 2n], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
const waiting = { timeout: 10_000, interval: 5 };
const opened: Transport[] = [];

afterEach(async () => {
  for (const transport of opened.splice(0)) await transport.stop();
});

interface Side {
  readonly transport: Transport;
  readonly url: string;
  readonly messages: Message[];
  readonly snapshots: { message: SnapshotMessage; content: string }[];
  unreachable: number;
  readonly removedBy: bigint[];
}

async function side(
  id: bigint,
  port?: number,
  clusterId = 9n,
  tls?: TlsSettings,
  log: Log = silentLog,
  at?: string,
): Promise<Side> {
  const url = at ?? `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port ?? (await freePort())}`;
  const transport = createGrpcTransport({
    id,
    clusterId,
    listenUrls: [url],
    advertiseUrls: [url],
    describe: () => Buffer.from(`members as ${id} has them`),
    tls,
    clock: new SystemClock(),
    random: new SeededRandom(Number(id)),
    log,
  });
  opened.push(transport);
  const result: Side = { transport, url, messages: [], snapshots: [], unreachable: 0, removedBy: [] };
  const handler: PeerHandler = {
    message: (message) => result.messages.push(message),
    snapshot: async (message, content) => {
      let text = '';
      for await (const chunk of content) text += Buffer.from(chunk).toString();
      result.snapshots.push({ message, content: text });
    },
    unreachable: () => result.unreachable++,
    removed: (by) => result.removedBy.push(by),
  };
  await transport.start(handler);
  return result;
}

const heartbeat = (commit: number): Message => ({
  type: 'heartbeatRequest',
  from: 1n,
  to: 2n,
  term: 1,
  commit,
  readSequence: 0,
});

test('messages arrive in order, and again after the other side was away', async () => {
  const a = await side(1n);
  const b = await side(2n);
  a.transport.addPeer(2n, [b.url]);
  await vi.waitFor(() => expect(a.transport.peers()[0]?.connected).toBe(true), waiting);
  a.transport.send([1, 2, 3].map(heartbeat));
  await vi.waitFor(() => expect(b.messages).toEqual([1, 2, 3].map(heartbeat)), waiting);

  await b.transport.stop();
  await vi.waitFor(() => expect(a.unreachable).toBeGreaterThan(0), waiting);
  a.transport.send([heartbeat(4)]);
  const again = await side(2n, Number(new URL(b.url).port));
  await vi.waitFor(() => {
    a.transport.send([heartbeat(5)]);
    expect(again.messages.at(-1)).toEqual(heartbeat(5));
  }, waiting);
  expect(again.messages).not.toContainEqual(heartbeat(4));
});

test('a snapshot arrives whole; one that ends early fails on both sides', async () => {
  const a = await side(1n);
  const b = await side(2n);
  a.transport.addPeer(2n, [b.url]);
  const message: SnapshotMessage = {
    type: 'snapshotRequest',
    from: 1n,
    to: 2n,
    term: 3,
    snapshot: { meta: { index: 5, term: 2, conf }, data: new Uint8Array(0) },
  };
  const text = 'content '.repeat(200_000);
  await a.transport.sendSnapshot(
    message,
    (async function* () {
      yield Buffer.from(text);
    })(),
  );
  expect(b.snapshots).toEqual([{ message, content: text }]);

  const broken = (async function* () {
    yield Buffer.from('half');
    throw new RangeError('the disk failed');
  })();
  await expect(a.transport.sendSnapshot(message, broken)).rejects.toThrow('the disk failed');
  expect(b.snapshots).toHaveLength(1);
});

test('another cluster and another member are refused', async () => {
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_fields: unknown, message?: string) => void warnings.push(message ?? '') } as Log;
  const a = await side(1n, undefined, undefined, undefined, log);
  const other = await side(2n, undefined, 10n);
  const third = await side(3n);
  a.transport.addPeer(2n, [other.url]);
  await vi.waitFor(() => expect(a.unreachable).toBeGreaterThan(1), waiting);
  a.transport.addPeer(2n, [third.url]);
  a.unreachable = 0;
  await vi.waitFor(() => expect(a.unreachable).toBeGreaterThan(1), waiting);
  expect([a.transport.peers()[0]?.connected, other.messages, third.messages]).toEqual([false, [], []]);
  expect(new Set(warnings)).toEqual(
    new Set(['cluster', 'member'].map((what) => `request sent was ignored by remote peer due to ${what} ID mismatch`)),
  );
});

test('a member that was removed is told so', async () => {
  const a = await side(1n);
  const b = await side(2n);
  b.transport.removePeer(1n);
  a.transport.addPeer(2n, [b.url]);
  await vi.waitFor(() => expect(a.removedBy).toContain(2n), waiting);
});

test('a member that is removed while it is connected is told so', async () => {
  const a = await side(1n);
  const b = await side(2n);
  a.transport.addPeer(2n, [b.url]);
  await vi.waitFor(() => expect(a.transport.peers()[0]?.connected).toBe(true), waiting);
  b.transport.removePeer(1n);
  await vi.waitFor(() => expect(a.removedBy).toContain(2n), waiting);
});

test('a member is answered where it says that it is, if it is not where it was', async () => {
  const a = await side(1n);
  const b = await side(2n);
  const nobody = `http://127.0.0.1:${await freePort()}`;
  b.transport.addPeer(1n, [nobody]);
  await vi.waitFor(() => expect(b.unreachable).toBeGreaterThan(0), waiting);
  a.transport.addPeer(2n, [b.url]);
  await vi.waitFor(() => expect(b.transport.peers()[0]?.connected).toBe(true), waiting);
  // What the membership says is not changed by that.
  expect(b.transport.peers()[0]?.urls).toEqual([nobody]);
});

test('a member that is not known yet is answered', async () => {
  const a = await side(1n);
  const b = await side(2n);
  a.transport.addPeer(2n, [b.url]);
  await vi.waitFor(() => expect(b.transport.peers()[0]).toMatchObject({ id: 1n, connected: true }), waiting);
});

test('who belongs to the cluster is said to everybody who asks', async () => {
  const a = await side(1n);
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const asked = await askMembers([a.url, nobody], undefined, new SystemClock().wallMs() + waiting.timeout);
  expect(asked.map(({ url }) => url)).toEqual([a.url, nobody]);
  expect(asked[0]?.answer.toString()).toBe('members as 1 has them');
  expect(asked[1]?.answer).toBeInstanceOf(Error);
  expect(await resolveUrls(['http://127.0.0.1:2380', 'http://localhost:1'])).toEqual(
    new Map([
      ['http://127.0.0.1:2380', 'http://127.0.0.1:2380'],
      ['http://localhost:1', expect.stringMatching(/^http:\/\/(127\.0\.0\.1|::1):1$/)],
    ]),
  );
});

test('a member that joins waits for one good answer, and not for those who do not answer', async () => {
  const deaf = createServer();
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void deaf.close());
  const silent = `http://127.0.0.1:${(deaf.address() as AddressInfo).port}`;
  const a = await side(1n);
  const began = Date.now();
  const asked = await askMembers([silent, a.url], undefined, began + 60_000, (answer) => answer.length > 0);
  expect(asked.map(({ answer }) => answer instanceof Error)).toEqual([true, false]);
  expect(Date.now() - began).toBeLessThan(30_000);
});

test('a taken port is said as such', async () => {
  const a = await side(1n);
  await expect(side(2n, Number(new URL(a.url).port))).rejects.toThrow(PeerListenError);
});

async function certificates(authority: string, ...names: string[]): Promise<TlsSettings[]> {
  const random = new SeededRandom(authority).stream('serial');
  const nowMs = new SystemClock().wallMs();
  const root = await Authority.create(authority, nowMs, random);
  const signer = await Authority.load(root, random);
  const made: TlsSettings[] = [];
  for (const name of names) {
    const pair = await signer.issue(forBothSides(servingCertificate(name, ['127.0.0.1'])), nowMs);
    const [cert, key, ca] = [pair.certificatePem, pair.keyPem, root.certificatePem].map((pem) => Buffer.from(pem));
    if (cert === undefined || key === undefined) throw new RangeError('no certificate');
    made.push({ cert, key, ca, clientCertAuth: true });
  }
  return made;
}

test('with mutual TLS only members with a certificate of the same authority are heard', async () => {
  const [tls] = await certificates('peers', 'peer');
  const a = await side(1n, undefined, 9n, tls);
  const b = await side(2n, undefined, 9n, tls);
  a.transport.addPeer(2n, [b.url]);
  await vi.waitFor(() => {
    a.transport.send([heartbeat(1)]);
    expect(b.messages[0]).toEqual(heartbeat(1));
  }, waiting);

  const stranger = await side(3n, undefined, 9n, (await certificates('others', 'peer'))[0]);
  stranger.transport.addPeer(2n, [b.url]);
  await vi.waitFor(() => expect(stranger.unreachable).toBeGreaterThan(0), waiting);
  expect(stranger.transport.peers()[0]?.connected).toBe(false);
}, 20_000);

test('a member whose name is not allowed is told so, by either side', async () => {
  const [pair] = await certificates('peers', 'peer');
  if (pair === undefined) throw new RangeError('no certificate');
  const refused: unknown[] = [];
  const log = { ...silentLog, warn: (fields: object) => refused.push({ ...fields, peer: undefined }) };
  const strict = { ...pair, rules: { commonNames: ['somebody'], hostNames: [] } };
  const a = await side(1n, undefined, 9n, pair, log);
  const b = await side(2n, undefined, 9n, strict);
  a.transport.addPeer(2n, [b.url]);
  await vi.waitFor(() => expect(refused).toContainEqual({ reason: 'remote error: tls: bad certificate' }), waiting);
  b.transport.addPeer(1n, [a.url]);
  const told = expect.objectContaining({ error: 'remote error: tls: bad certificate' });
  await vi.waitFor(() => expect(refused).toContainEqual(told), waiting);
}, 20_000);

test('a member may show another certificate where it connects', async () => {
  const [pair, own] = await certificates('peers', 'peer', 'dialer');
  if (pair === undefined || own === undefined) throw new RangeError('no certificates');
  const strict = { ...pair, rules: { commonNames: ['dialer'], hostNames: [] } };
  const b = await side(2n, undefined, 9n, strict);
  const a = await side(1n, undefined, 9n, { ...pair, currentAsClient: () => own });
  a.transport.addPeer(2n, [b.url]);
  await vi.waitFor(() => {
    a.transport.send([heartbeat(1)]);
    expect(b.messages[0]).toEqual(heartbeat(1));
  }, waiting);
}, 20_000);

test('members speak through Unix sockets', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'peers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const a = await side(1n, undefined, 9n, undefined, silentLog, `unix://${folder}/a`);
  const b = await side(2n, undefined, 9n, undefined, silentLog, `unix://${folder}/b`);
  a.transport.addPeer(2n, [b.url]);
  await vi.waitFor(() => {
    a.transport.send([heartbeat(1)]);
    expect(b.messages[0]).toEqual(heartbeat(1));
  }, waiting);
  const [asked] = await askMembers([b.url], undefined, new SystemClock().wallMs() + waiting.timeout);
  expect(asked?.answer.toString()).toBe('members as 2 has them');
  expect(await resolveUrls([b.url])).toEqual(new Map([[b.url, b.url]]));
});
