// What users write into objects and what pods answer to proxied requests goes into answers: it must never end the server, over
// HTTP/1.1 and HTTP/2.
import { connect } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { outsideAddress } from '../testing/outside.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';
import { warningHeaders } from './warning-header.ts';

const inNamespace = '/api/v1/namespaces/default';
let server: WireServer;
let user: WireClient;

beforeAll(async () => {
  server = await WireServer.start();
  user = await server.operator();
}, 30_000);

afterAll(() => server.stop());

interface Answer {
  readonly code: unknown;
  readonly warnings: readonly string[];
}

const decoded = (text: string) => Buffer.from(text, 'latin1').toString();

async function overHttp1(method: string, path: string, body?: object): Promise<Answer> {
  const { code, warnings } = await user.call(method, path, { body });
  return { code, warnings: warnings.map(decoded) };
}

async function overHttp2(method: string, path: string, body?: object): Promise<Answer> {
  const session = connect(server.base, await server.certificate('operator'));
  try {
    return await new Promise((resolve, reject) => {
      const stream = session.request({ ':method': method, ':path': path, 'content-type': 'application/json' });
      stream.on('error', reject);
      stream.on('response', (headers) => {
        const given = String(headers.warning ?? '').matchAll(/299 - "((?:[^"\\]|\\.)*)"/g);
        const warnings = [...given].map(([, text = '']) => decoded(text.replace(/\\(.)/g, '$1')));
        resolve({ code: headers[':status'], warnings });
        stream.resume();
      });
      stream.end(body === undefined ? undefined : JSON.stringify(body));
    });
  } finally {
    session.destroy();
  }
}

const transports = [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const;

test.each(transports)('warnings of any characters reach who is answered and who is refused, over %s', async (_name, ask) => {
  const path = `${inNamespace}/configmaps?dryRun=All&fieldValidation=Warn`;
  const fields = { жук: 1, 'é"\\': 1, '\u{1F41E}': 1, Ċ: 1 };
  const warnings = Object.keys(fields).map((name) => `unknown field "${name}"`);
  const sorted = (answer: Answer) => ({ ...answer, warnings: [...answer.warnings].sort() });
  expect(sorted(await ask('POST', path, { metadata: { name: 'a' }, ...fields }))).toEqual({
    code: 201,
    warnings: warnings.sort(),
  });
  expect(sorted(await ask('POST', path, { metadata: { name: '_' }, ...fields }))).toEqual({ code: 422, warnings });
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`${at}${'ж'.repeat(300)}`, 1]));
  const { code, warnings: some } = await ask('POST', path, { metadata: { name: 'a' }, ...many });
  expect(code).toBe(201);
  expect(some.length).toBeGreaterThan(10);
});

test('warnings are bounded, and have no control characters', () => {
  expect(warningHeaders(['', 'a\nb', 'a\u0085b', 'x "y" \\'])).toEqual(['299 - "x \\"y\\" \\\\"']);
  const long = warningHeaders(Array.from({ length: 100 }, () => 'x'.repeat(1000)));
  expect(long).toEqual(Array.from({ length: 16 }, () => `299 - "${'x'.repeat(256)}"`));
});

interface OddPod {
  readonly path: string;
  /** What it was sent. */
  readonly asked: string[];
  readonly close: () => void;
}

/** A pod that answers with these bytes, and ends. */
async function podAt(answer: () => string): Promise<OddPod> {
  const host = outsideAddress();
  const asked: string[] = [];
  const listener = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      asked.push(data.toString());
      socket.end(answer());
    });
  });
  await new Promise<void>((done) => void listener.listen(0, host, done));
  await user.call('POST', `${inNamespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  const spec = { containers: [{ name: 'c', image: 'i' }] };
  await user.call('POST', `${inNamespace}/pods`, { body: { metadata: { name: 'odd' }, spec } });
  const body = { status: { podIP: host, podIPs: [{ ip: host }] } };
  await user.call('PATCH', `${inNamespace}/pods/odd/status`, { body, type: 'application/merge-patch+json' });
  const path = `${inNamespace}/pods/odd:${(listener.address() as AddressInfo).port}/proxy/`;
  return { path, asked, close: () => listener.close() };
}

test('a pod that answers with a status that is none does no harm', async () => {
  let status = '200';
  const pod = await podAt(() => `HTTP/1.1 ${status} X\r\ncontent-length: 2\r\ncontent-encoding: odd\r\n\r\nhi`);
  const answers: Record<string, unknown[]> = {};
  for (status of ['200', '000', '001', '101', '599', '600', '999'])
    answers[status] = await Promise.all(transports.map(async ([, ask]) => (await ask('GET', pod.path)).code));
  pod.close();
  expect(answers).toEqual({
    200: [200, 200],
    '000': [503, 503],
    '001': [503, 503],
    101: [503, 503],
    599: [599, 599],
    600: [600, 503],
    999: [999, 503],
  });
  expect((await user.call('GET', '/readyz')).code).toBe(200);
});

test('a token in the protocols of a WebSocket is not told to a pod', async () => {
  const pod = await podAt(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi');
  const { body } = await user.call('POST', `${inNamespace}/serviceaccounts/default/token`, { body: { spec: {} } });
  const token = Buffer.from(body.status.token).toString('base64url');
  for (const more of ['', ', v4.channel.k8s.io']) {
    const headers = { 'sec-websocket-protocol': `base64url.bearer.authorization.k8s.io.${token}${more}` };
    expect((await user.call('GET', pod.path, { headers })).code).toBe(200);
  }
  pod.close();
  expect(pod.asked.join('')).not.toContain(token);
  expect(pod.asked.map((text) => /sec-websocket-protocol: (.*)\r/i.exec(text)?.[1])).toEqual([undefined, 'v4.channel.k8s.io']);
});

test('an answer that breaks off within is not made whole', async () => {
  const pod = await podAt(() => 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n');
  await expect(user.call('GET', pod.path)).rejects.toThrow();
  pod.close();
});
