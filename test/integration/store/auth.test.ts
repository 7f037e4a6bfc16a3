// Users of real processes, ours and the original's: certificates that name their user, tokens that every member knows, and what
// members ask each other on behalf of a user.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '@drydock/etcd/limits.ts';
import { type ApiMethod, api } from '@drydock/etcd/rpc/api.ts';
import { permissionType } from '@drydock/etcd/rpc/auth-messages.ts';
import { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode, type MessageOf, type Schema } from '@drydock/etcd/rpc/protobuf.ts';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { unaryCall } from './client.ts';
import { refusal } from './cluster.ts';
import { Store, upstreamProgram } from './members.ts';

const minuteMs = 60_000;
/** Only what hangs takes so long: a busy machine may need many seconds for a hundred passwords. */
const callMs = minuteMs;
const flags = ['--bcrypt-cost=4'];
const [invalidArgument, denied, unauthenticated] = [3, 7, 16];
const wrongPassword = 'etcdserver: authentication failed, invalid user ID or password';
const tooMany = 'etcdserver: too many requests';
/** As the certificate that the store makes for clients has it. */
const certificateUser = 'store-client';

const original = upstreamProgram('etcd');
const programs = [
  { name: 'our store', program: undefined, skip: false },
  { name: 'the original (needs DRYDOCK_UPSTREAM)', program: [original ?? ''], skip: original === undefined },
];

const asIs = (bytes: Buffer): Buffer => bytes;

function metadataOf(entries: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
}

const unary = <I extends Schema, O extends Schema>(
  client: Client,
  method: ApiMethod<I, O>,
  request: Partial<MessageOf<I>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<MessageOf<O>> => unaryCall(client, method, request, callMs, metadataOf(metadata));

/** The status of a call that is refused; 'ok' where it is not. */
async function codeOf(call: Promise<unknown>): Promise<number | 'ok'> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return (error as ServiceError).code;
  }
}

const put = (client: Client, key: string, metadata: Readonly<Record<string, string>> = {}, lease = 0n) =>
  unary(client, api.put, { key, value: Buffer.from('v'), lease }, metadata);
const get = (client: Client, key: string, metadata: Readonly<Record<string, string>> = {}) =>
  unary(client, api.range, { key }, metadata);
const authenticate = async (client: Client, name: string, password: string) =>
  (await unary(client, api.authenticate, { name, password })).token;

function keepAlive(client: Client, ID: bigint): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + callMs };
    const stream = client.makeBidiStreamRequest('/etcdserverpb.Lease/LeaseKeepAlive', asIs, asIs, options);
    stream.on('data', (answer: Buffer) => {
      resolve(decode(LeaseKeepAliveResponse, answer).TTL);
      stream.cancel();
    });
    stream.on('error', reject);
    stream.write(encode(LeaseKeepAliveRequest, { ID }));
  });
}

/** root with a password, and the certificate's user, who may read and write what begins with `k`. */
async function enable(client: Client): Promise<void> {
  await unary(client, api.userAdd, { name: 'root', password: 'rootpw' });
  const options = { no_password: true };
  await unary(client, api.userAdd, { name: certificateUser, options });
  for (const name of ['root', 'r']) await unary(client, api.roleAdd, { name });
  const perm = { permType: permissionType.readWrite, key: 'k', range_end: 'l' };
  await unary(client, api.roleGrantPermission, { name: 'r', perm });
  await unary(client, api.userGrantRole, { user: 'root', role: 'root' });
  await unary(client, api.userGrantRole, { user: certificateUser, role: 'r' });
  await unary(client, api.authEnable, {});
}

async function checkUsers(store: Store, clients: readonly [Client, ...Client[]]): Promise<void> {
  const [first] = clients;
  await enable(first);
  // Known to every member when a read of one has been linearizable.
  const token = await authenticate(first, 'root', 'rootpw');
  const { ID } = await unary(first, api.leaseGrant, { TTL: 1000 });
  await put(first, 'kl', {}, ID);
  for (const client of clients) {
    expect(await codeOf(put(client, 'k1', { token }))).toBe('ok');
    expect(await codeOf(put(client, 'k1'))).toBe('ok');
    expect(await codeOf(get(client, 'k1'))).toBe('ok');
    expect(await codeOf(get(client, 'x'))).toBe(denied);
    expect(await codeOf(put(client, 'x'))).toBe(denied);
    expect(await codeOf(unary(client, api.status, {}))).toBe(denied);
    expect(await codeOf(unary(client, api.status, {}, { token }))).toBe('ok');
    // What only the leader knows, asked for by another member.
    expect((await unary(client, api.leaseTimeToLive, { ID, keys: true })).keys).toEqual(['kl']);
    expect(await keepAlive(client, ID)).toBe(1000);
    // A token counts before the certificate, which is not the gateway's caller's.
    expect(await codeOf(get(client, 'k1', { token: 'abcdefghijklmnop.1' }))).toBe(unauthenticated);
    expect(await codeOf(get(client, 'k1', { 'grpcgateway-accept': '*/*' }))).toBe(invalidArgument);
  }
  for (const i of store.members.keys()) await store.stopMember(i, 'SIGKILL');
  for (const i of store.members.keys()) store.startMember(i);
  await store.ready();
  const again = await authenticate(first, 'root', 'rootpw');
  expect(await codeOf(get(first, 'x', { token: again }))).toBe('ok');
  expect(await codeOf(get(first, 'x'))).toBe(denied);
}

describe.each(programs)('$name', ({ program, skip }) => {
  const with_ = program === undefined ? {} : { program };

  test.skipIf(skip)('three members: users by certificate and by token', { timeout: 2 * minuteMs }, async () => {
    const store = await Store.start({ size: 3, tls: true, flags, ...with_ });
    const read = (name: string) => readFileSync(join(store.folder, name));
    const how = credentials.createSsl(read('ca.crt'), read('client.key'), read('client.crt'));
    // Node refuses an address as the server name of TLS.
    const channel = { 'grpc.ssl_target_name_override': 'localhost', 'grpc.default_authority': 'localhost' };
    const [first = '', ...others] = store.endpoints.map((url) => new URL(url).host);
    const open = (host: string) => new Client(host, how, { ...channel, 'grpc.max_reconnect_backoff_ms': 200 });
    const clients: [Client, ...Client[]] = [open(first), ...others.map(open)];
    try {
      await checkUsers(store, clients);
    } finally {
      for (const client of clients) client.close();
      await store.stop();
    }
  });

  test.skipIf(skip)('JSON web tokens are as old as the users were when they were made', { timeout: minuteMs }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drydock-jwt-'));
    const key = join(folder, 'key.pem');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(key, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
    const jwt = `--auth-token=jwt,sign-method=ES256,priv-key=${key},ttl=10m`;
    const store = await Store.start({ size: 1, flags: [...flags, jwt], ...with_ });
    const client = new Client(new URL(store.endpoint(0)).host, credentials.createInsecure());
    try {
      await enable(client);
      const token = await authenticate(client, 'root', 'rootpw');
      const [, claims = ''] = token.split('.');
      expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ username: 'root', revision: 8 });
      expect(await codeOf(put(client, 'a', { token }))).toBe('ok');
      expect(await codeOf(put(client, 'a', { token: `${token}x` }))).toBe(unauthenticated);
      await unary(client, api.roleAdd, { name: 'later' }, { token });
      await expect(put(client, 'a', { token })).rejects.toThrow('etcdserver: revision of auth store is old');
      expect(await codeOf(put(client, 'a', { token: await authenticate(client, 'root', 'rootpw') }))).toBe('ok');
    } finally {
      client.close();
      await store.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test('whoever sends passwords costs a bounded amount: too many at a time are refused, and writes go on', {
  timeout: 2 * minuteMs,
}, async () => {
  // Slow enough that all are there before the first ones are done.
  const store = await Store.start({ size: 1, flags: ['--bcrypt-cost=8'] });
  const client = new Client(new URL(store.endpoint(0)).host, credentials.createInsecure());
  try {
    await enable(client);
    const token = await authenticate(client, 'root', 'rootpw');
    const attempts = Array.from({ length: 4 * limits.passwordsWaiting }, (_, i) =>
      refusal(authenticate(client, i % 2 === 0 ? 'root' : 'nobody', `guess ${i}`)),
    );
    const write = codeOf(put(client, 'a', { token }));
    expect(await Promise.race([write, Promise.all(attempts)])).toBe('ok');
    const answers = Object.groupBy(await Promise.all(attempts), (text) => text);
    expect(Object.keys(answers).sort()).toEqual([wrongPassword, tooMany].sort());
    expect(answers[wrongPassword]?.length).toBeGreaterThanOrEqual(limits.passwordsWaiting);
    expect(await codeOf(authenticate(client, 'root', 'rootpw'))).toBe('ok');
  } finally {
    client.close();
    await store.stop();
  }
});
