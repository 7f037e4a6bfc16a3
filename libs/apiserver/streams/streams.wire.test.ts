// exec, attach, port-forward and logs over WebSocket, from the client to a kubelet: what each end sees. Protocols, texts and codes hold
// on the original, too: DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER runs these against it (FOLDER also has apiserver.crt and .key). It
// keeps streams whose client has gone for longer, and calls a command whose kubelet broke off a success: those tests are ours alone.
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Pod } from '@drydock/api/generated/types.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { servingCertificate } from '@drydock/pki/certificate.ts';
import { Exec, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type EitherServer, isOriginal, startEither } from '../testing/either-server.ts';
import { handshake, type Opened, openStream } from '../testing/stream-client.ts';
import { type Command, StreamKubelet, succeeded } from '../testing/stream-kubelet.ts';
import type { TlsParts, WireClient } from '../testing/wire.ts';

const inNamespace = '/api/v1/namespaces/default';
const v5 = 'v5.channel.k8s.io';
const v4 = 'v4.channel.k8s.io';
const nonZero = (code: string) =>
  JSON.stringify({
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: code }] },
  });

let server: EitherServer;
let base: string;
let tls: TlsParts;
let user: WireClient;
let kubelet: StreamKubelet;

async function kubeletCertificate(): Promise<{ cert: string; key: string }> {
  const random = new SystemRandom().stream('kubelet');
  const nowMs = new SystemClock().wallMs();
  const authority = await Authority.load(await Authority.create('kubelets', nowMs, random), random);
  const pair = await authority.issue(servingCertificate('node', ['127.0.0.1']), nowMs);
  return { cert: pair.certificatePem, key: pair.keyPem };
}

beforeAll(async () => {
  server = await startEither();
  ({ base, operator: tls, user } = server);
  kubelet = new StreamKubelet(isOriginal ? await server.certificate('kubelet', 'apiserver') : await kubeletCertificate());
  const Port = await kubelet.listen();
  await user.call('POST', `${inNamespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  await user.call('POST', '/api/v1/nodes', { body: { metadata: { name: 'n' } } });
  const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port } } };
  await user.call('PATCH', '/api/v1/nodes/n/status', { body: { status }, type: 'application/merge-patch+json' });
  const containers = ['c', 'refused', 'missing'].map((each) => ({ name: each, image: 'i' }));
  const pod: Partial<Pod> = { metadata: { name: 'p' }, spec: { nodeName: 'n', containers } };
  await user.call('POST', `${inNamespace}/pods`, { body: pod });
}, 60_000);

afterAll(async () => {
  kubelet.close();
  await server.stop();
});

beforeEach(() => {
  kubelet.asked.length = 0;
});

/** A client of `path` below the pod p. Rejects with code and text where the upgrade is refused. */
const open = (path: string, protocols: string[], headers: Record<string, string> = {}, pod = 'p'): Promise<Opened> =>
  openStream(`${base}${inNamespace}/pods/${pod}`, tls, path, protocols, headers);
const frame = (channel: number, text: string | Buffer) => Buffer.concat([Buffer.of(channel), Buffer.from(text)]);
const closeStdin = Buffer.of(255, 0);

/** Gives back what it is given, and ends when that ends. */
const cat = (command: Command) => {
  command.onStdin = (bytes, ended) => {
    if (bytes.length > 0) command.say('stdout', bytes);
    if (ended) command.exit(succeeded);
  };
};

test('v5: input ends by a message, and output that comes after it arrives', async () => {
  kubelet.run = cat;
  const { socket, messages, closed } = await open('exec?stdin=1&stdout=1&stderr=1&command=cat&command=a+b&container=c', [v5]);
  socket.send(frame(0, 'one '));
  socket.send(frame(0, 'two'));
  socket.send(closeStdin);
  expect(await closed).toBe(1000);
  expect(socket.protocol).toBe(v5);
  expect(messages[0]).toBe('1:');
  expect(messages.slice(1, -1).join('').replaceAll('1:', '')).toBe('one two');
  expect(messages.at(-1)).toBe(`3:${succeeded}`);
  const [asked = ''] = kubelet.asked;
  expect(asked.split(' ')[0]).toBe('POST');
  const url = new URL(asked.split(' ')[1] ?? '', 'https://x');
  expect(url.pathname).toBe('/exec/default/p/c');
  expect([...url.searchParams].sort()).toEqual([
    ['command', 'a b'],
    ['command', 'cat'],
    ['error', '1'],
    ['input', '1'],
    ['output', '1'],
  ]);
  expect(asked).toMatch(/ SPDY\/3.1 \[.*v4\.channel\.k8s\.io.*\]$/);
});

test.each([
  [
    'exit 3',
    nonZero('3'),
    '3:{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: command terminated with exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}',
  ],
  [
    'a failure',
    '{"metadata":{},"status":"Failure","message":"oci: no such file","reason":"InternalError","code":500}',
    'Internal error occurred: oci: no such file',
  ],
  ['no JSON', 'no JSON', 'Internal error occurred: error stream protocol error'],
  ['null', 'null', 'Internal error occurred: error stream protocol error'],
  ['an odd one', '{"status":1,"message":{}}', 'Internal error occurred: error stream protocol error'],
  ['a bad code', nonZero('x'), 'Internal error occurred: error stream protocol error'],
  ['nothing', '', '3:{"metadata":{},"status":"Success"}'],
])('v5: the end of a command: %s', async (_name, said, told) => {
  kubelet.run = (command) => {
    command.say('stderr', Buffer.from('last words'));
    command.exit(said);
  };
  const { messages, closed } = await open('exec?stdout=1&stderr=1&command=x&container=c', [v5]);
  expect(await closed).toBe(1000);
  expect(messages.slice(0, 2)).toEqual(['1:', '2:last words']);
  expect(messages).toHaveLength(3);
  expect(messages[2]).toContain(told);
});

test('v5: sizes of a terminal, in whatever case their names are', async () => {
  let sizes = '';
  kubelet.run = (command) => {
    command.onResize = (text) => {
      sizes += text;
      if (sizes.includes('7')) command.exit(succeeded);
    };
  };
  const { socket, closed, messages } = await open('attach?stdin=1&stdout=1&stderr=1&tty=1&container=c', [v5]);
  socket.send(frame(4, '{"Width":80,"Height":24}'));
  socket.send(frame(4, '{"width":5,"height":6}'));
  socket.send(frame(4, '{"Width":7,"Height":8}'));
  expect(await closed).toBe(1000);
  expect(sizes.trim().split('\n')).toEqual(['{"Width":80,"Height":24}', '{"Width":5,"Height":6}', '{"Width":7,"Height":8}']);
  expect(messages).toEqual(['1:', `3:${succeeded}`]);
  expect(kubelet.asked[0]).toMatch(/^POST \/attach\/default\/p\/c\?/);
});

test.each([['exec?stdout=1&command=x&container=refused', '3:', 'unable to upgrade connection: container not found']])(
  'v5: what the kubelet refuses is said on the error channel: %s',
  async (path, channel, message) => {
    const { messages, closed } = await open(path, [v5]);
    expect(await closed).toBe(1000);
    expect(messages[1]).toContain(channel);
    expect(messages[1]).toContain(message);
  },
);

test('older protocols are passed on to the kubelet as they are', async () => {
  kubelet.runSocket = (socket, request) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.send(`${request.method} ${socket.protocol}`);
  };
  for (const protocol of [v4, 'v4.base64.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io']) {
    const { socket, messages } = await open('exec?stdin=1&stdout=1&command=x&container=c', [protocol]);
    socket.send(Buffer.from('\0given'));
    await expect.poll(() => messages).toEqual([`text:GET ${protocol}`, '0:given']);
    expect(kubelet.asked.pop()).toContain('GET /exec/default/p/c?');
    expect(kubelet.headers.authorization).toBeUndefined();
    socket.terminate();
  }
  await expect.poll(() => kubelet.streams).toBe(0);
});

test('what the kubelet answers to an older protocol is the answer', async () => {
  await expect(open('exec?stdout=1&command=x&container=refused', [v4])).rejects.toThrow('500 container not found');
});

test.each([
  ['exec?stdout=1&command=x', 'p', '400 a container name must be specified for pod p, choose one of: [c refused missing]'],
  ['exec?stdout=1&command=x&container=d', 'p', '400 container d is not valid for pod p'],
  ['exec?stdout=1&command=x', 'nothere', '404 pods "nothere" not found'],
  ['portforward', 'nothere', '404 pods "nothere" not found'],
  ['portforward?ports=80%26x=1', 'p', '400 cannot convert to []int32: strconv.ParseUint: parsing "80&x=1": invalid syntax'],
  ['portforward?ports=80&ports=', 'nothere', '400 cannot convert to []int32: strconv.ParseUint: parsing "": invalid syntax'],
  ['portforward?ports=%2B80', 'p', '400 cannot convert to []int32: strconv.ParseUint: parsing "+80": invalid syntax'],
  ['portforward?ports=80,70000', 'p', '400 cannot convert to []int32: strconv.ParseUint: parsing "70000": value out of range'],
])('refused before it begins: %s of %s', async (path, pod, message) => {
  for (const protocol of [v5, v4]) await expect(open(path, [protocol], {}, pod)).rejects.toThrow(message);
});

test('a GET needs the right to create, as a POST does', async () => {
  const rules = [{ apiGroups: [''], resources: ['pods/exec', 'pods/attach', 'pods/portforward', 'pods/log'], verbs: ['get'] }];
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await user.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: 'reader' }, rules } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'reader' }];
  await user.call('POST', `${rbac}/clusterrolebindings`, { body: { metadata: { name: 'reader' }, roleRef, subjects } });
  const as = { 'impersonate-user': 'reader' };
  await expect.poll(() => open('log?container=c', ['binary.k8s.io'], as).then(({ closed }) => closed, String)).toBe(1000);
  for (const [path, protocol] of [
    ['exec?stdout=1&command=x&container=c', v5],
    ['exec?stdout=1&command=x&container=c', v4],
    ['attach?stdout=1&container=c', v5],
    ['portforward', 'SPDY/3.1+portforward.k8s.io'],
    ['portforward?ports=80', v4],
  ] as const) {
    await expect(open(path, [protocol], as)).rejects.toThrow('403 pods "p" is forbidden:');
  }
});

test('port-forward: SPDY within messages, both ways, until either side ends', async () => {
  const { socket, messages, bytes, closed } = await open('portforward', ['SPDY/3.1+portforward.k8s.io']);
  expect(socket.protocol).toBe('SPDY/3.1+portforward.k8s.io');
  socket.send(Buffer.from('bytes'));
  await expect.poll(() => messages.join('')).toBe('binary:bytes');
  const piece = Buffer.alloc(64 * 1024, 1);
  for (let i = 0; i < 64; i++) socket.send(piece);
  await expect.poll(bytes).toBe(5 + 64 * piece.length);
  expect(kubelet.asked[0]).toBe('POST /portForward/default/p SPDY/3.1 [portforward.k8s.io]');
  socket.close();
  await closed;
  await expect.poll(() => kubelet.streams).toBe(0);
});

test.each([
  [undefined, ''],
  ['other.k8s.io', ''],
  ['portforward.k8s.io', 'SPDY/3.1+portforward.k8s.io'],
])('a tunnel to a kubelet that chooses %s is of protocol %j', async (version, protocol) => {
  kubelet.portForwardVersion = version;
  onTestFinished(() => {
    kubelet.portForwardVersion = 'portforward.k8s.io';
  });
  const told = new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(base);
    const headers = handshake(['SPDY/3.1+portforward.k8s.io']);
    const asked = request({ hostname, port, path: `${inNamespace}/pods/p/portforward`, headers, ...tls, agent: false });
    asked.on('error', reject);
    asked.on('upgrade', (response, socket) => {
      resolve(response.headers['sec-websocket-protocol'] ?? '');
      socket.destroy();
    });
    asked.end();
  });
  expect(await told).toBe(protocol);
});

test('port-forward by channels is passed on, with its ports', async () => {
  kubelet.runSocket = (socket) => socket.send(frame(0, ''));
  const { messages } = await open('portforward?ports=80,81&ports=0082&port=9', [v4]);
  await expect.poll(() => messages).toHaveLength(1);
  expect(kubelet.asked[0]).toBe(`GET /portForward/default/p?port=80%2C81%2C82 websocket [${v4}]`);
});

test.each([
  [['other', 'binary.k8s.io'], 'binary.k8s.io', ['binary:', 'binary:one\n', 'binary:two\n']],
  [['binary.k8s.io'], 'binary.k8s.io', ['binary:', 'binary:one\n', 'binary:two\n']],
  [['base64.binary.k8s.io'], 'base64.binary.k8s.io', ['text:', 'text:b25lCg==', 'text:dHdvCg==']],
])('a log over WebSocket, protocols %j', async (protocols, taken, wanted) => {
  const more = Promise.withResolvers<void>();
  kubelet.log = (response) => {
    response.write('one\n');
    // The original loses what comes together with the end.
    void more.promise.then(() => response.write('two\n', () => setImmediate(() => response.end())));
  };
  const { socket, messages, closed } = await open('log?container=c&follow=true&tailLines=5', protocols);
  await expect.poll(() => messages.length).toBe(2);
  more.resolve();
  expect(await closed).toBe(1000);
  expect([socket.protocol, messages]).toEqual([taken, wanted]);
  expect(kubelet.asked[0]?.split('?')[0]).toBe('GET /containerLogs/default/p/c');
});

test.skipIf(isOriginal)('a log without protocols, which clients may also do without', async () => {
  kubelet.log = (response) => void response.end('a line\n');
  const { socket, messages } = await open('log?container=c', []);
  await expect.poll(() => messages).toEqual(['binary:', 'binary:a line\n']);
  expect(socket.protocol).toBe('');
});

test('a log that there is not is refused before anything is taken over', async () => {
  await expect(open('log?container=missing', ['binary.k8s.io'])).rejects.toThrow(/^40\d .*/);
  await expect(open('log?container=c', ['other'])).rejects.toThrow('403');
  await expect(open('log?container=c&tailLines=-1', ['binary.k8s.io'])).rejects.toThrow(/^422 /);
});

test('a client that reads a log no more ends it at the kubelet', async () => {
  kubelet.log = (response) => void response.write('one\n');
  const { socket, messages } = await open('log?container=c&follow=true', ['binary.k8s.io']);
  await expect.poll(() => messages.length).toBe(2);
  socket.close();
  await expect.poll(() => kubelet.streams).toBe(0);
});

/** Until nothing moves any more. */
async function settled(value: () => number): Promise<void> {
  let before = -1;
  const isSame = () => {
    const same = value() === before;
    before = value();
    return same;
  };
  await expect.poll(isSame, { interval: 200 }).toBe(true);
}

const chunk = Buffer.alloc(64 * 1024, 1);

test('a client that does not read makes the command wait, and gets everything once it reads', async () => {
  const count = 250;
  let sent = 0;
  kubelet.run = (command) => {
    const more = () => {
      while (sent < count) {
        sent++;
        if (!command.say('stdout', chunk)) return void command.socket.once('drain', more);
      }
      command.exit(succeeded);
    };
    more();
  };
  const { socket, messages, bytes, closed } = await open('exec?stdout=1&command=x&container=c', [v5]);
  socket.pause();
  await expect.poll(() => sent).toBeGreaterThan(0);
  await settled(() => sent);
  expect(sent).toBeLessThan(count);
  socket.resume();
  expect(await closed).toBe(1000);
  // Channels, and the message that there is a connection.
  expect(bytes() - messages.map((each) => each.length - 1).reduce((a, b) => a + b)).toBeGreaterThanOrEqual(
    count * chunk.length,
  );
  expect(messages.at(-1)).toBe(`3:${succeeded}`);
});

test('a command that does not read makes the client wait, and one that leaves meanwhile is noticed', async () => {
  const running = Promise.withResolvers<Command>();
  kubelet.run = running.resolve;
  const { socket } = await open('exec?stdin=1&stdout=1&command=x&container=c', [v5]);
  const command = await running.promise;
  command.socket.pause();
  for (let i = 0; i < 200; i++) socket.send(frame(0, chunk));
  await settled(() => socket.bufferedAmount);
  expect(socket.bufferedAmount).toBeGreaterThan(0);
  let read = 0;
  command.onStdin = (bytes) => {
    read += bytes.length;
  };
  command.socket.resume();
  await expect.poll(() => read).toBe(200 * chunk.length);
  command.socket.pause();
  for (let i = 0; i < 200; i++) socket.send(frame(0, chunk));
  await settled(() => socket.bufferedAmount);
  socket.terminate();
  let isClosed = false;
  command.socket.once('close', () => {
    isClosed = true;
  });
  await expect
    .poll(() => {
      // A socket that is not read from does not say that it is closed, except to who writes.
      command.say('stdout', Buffer.of(0));
      return isClosed;
    })
    .toBe(true);
});

test('a kubelet that breaks off is said to have', async () => {
  kubelet.run = (command) => command.socket.destroy();
  const { messages, closed } = await open('exec?stdout=1&command=x&container=c', [v5]);
  expect(await closed).toBe(1000);
  expect(messages[1]).toContain('error reading from error stream');
});

test('clients may go at every moment', async () => {
  kubelet.run = cat;
  kubelet.runSocket = (socket) => socket.on('message', (data) => socket.send(data));
  kubelet.log = (response) => void response.write('one\n');
  const { hostname, port } = new URL(base);
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
  for (const [path, protocol] of [
    ['exec?stdin=1&stdout=1&command=x&container=c', v5],
    ['exec?stdin=1&stdout=1&command=x&container=c', v4],
    ['portforward', 'SPDY/3.1+portforward.k8s.io'],
    ['log?container=c&follow=true', 'binary.k8s.io'],
  ] as const) {
    const head = `GET ${inNamespace}/pods/p/${path} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`;
    for (const turns of [0, 1, 4, 16, 64, -1]) {
      const tcp = connectTcp(Number(port), hostname);
      const socket = connectTls({ socket: tcp, host: hostname, ...tls });
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      socket.write(head);
      if (turns < 0) await new Promise((resolve) => socket.once('data', resolve));
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
      tcp.resetAndDestroy();
    }
  }
  await expect.poll(() => kubelet.streams).toBe(0);
  expect((await user.call('GET', '/readyz')).code).toBe(200);
});

test('client-node: exec with input', async () => {
  kubelet.run = cat;
  const config = new KubeConfig();
  const data = (text: string) => Buffer.from(text).toString('base64');
  config.loadFromOptions({
    clusters: [{ name: 'c', server: base, caData: data(tls.ca) }],
    users: [{ name: 'u', certData: data(tls.cert), keyData: data(tls.key) }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  const out = new PassThrough();
  const text = 'line of input\n'.repeat(100_000);
  let got = 0;
  out.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  const lines = Array.from({ length: 100 }, () => text.slice(0, text.length / 100));
  const input = Readable.from(lines);
  const status = await new Promise((resolve, reject) => {
    new Exec(config).exec('default', 'p', 'c', ['cat'], out, null, input, false, resolve).catch(reject);
  });
  expect(status).toMatchObject({ status: 'Success' });
  expect(got).toBe(text.length);
});
