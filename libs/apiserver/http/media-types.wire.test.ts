// The media types that stock clients ask for by themselves, at the wire.
import { request as httpsRequest } from 'node:https';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TlsParts, WireServer } from '../testing/wire.ts';

let server: WireServer;
let tls: TlsParts;
beforeAll(async () => {
  server = await WireServer.start();
  await server.operator();
  tls = await server.certificate('operator');
}, 60_000);
afterAll(() => server?.stop());

function get(path: string, accept: string): Promise<{ code: number; type: string; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(`${server.base}${path}`, { ...tls, headers: { accept } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          code: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body: Buffer.concat(chunks),
        }),
      );
    });
    request.on('error', reject);
    request.end();
  });
}

const v2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const discovery = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

test.each([
  ['/openapi/v2', 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf', 200, v2],
  ['/openapi/v2', v2, 200, v2],
  ['/openapi/v2', 'application/json', 200, 'application/json'],
  ['/openapi/v2', '*/*', 200, 'application/json'],
  ['/openapi/v2', 'application/cbor', 406, ''],
  ['/openapi/v2', 'text/html', 406, ''],
  [
    '/openapi/v3/api/v1',
    'application/com.github.proto-openapi.spec.v3@v1.0+protobuf, application/json',
    200,
    'application/json',
  ],
  ['/openapi/v3/api/v1', 'application/json', 200, 'application/json'],
  ['/apis', `${discovery},application/json`, 200, discovery],
  [
    '/apis',
    'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json',
    200,
    'application/json',
  ],
  ['/api/v1/pods', 'application/cbor,application/json', 200, 'application/json'],
  ['/api/v1/pods', 'application/vnd.kubernetes.protobuf,application/json', 200, 'application/json'],
  ['/api/v1/pods', 'application/cbor', 406, 'application/json'],
  ['/api/v1/pods', 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json', 200, 'application/json'],
])('GET %s as %s: %i %s', { timeout: 30_000 }, async (path, accept, code, type) => {
  const answer = await get(path, accept);
  expect(answer.code).toBe(code);
  if (type !== '') expect(answer.type).toContain(type);
});

test('the OpenAPI document in protobuf says what the one in JSON says', { timeout: 60_000 }, async () => {
  const file = fileURLToPath(new URL('../../../proto/gnostic/openapi/v2/document.proto', import.meta.url));
  const type = protobuf.loadSync(file).lookupType('gnostic.openapi.v2.Document');
  // biome-ignore lint/suspicious/noExplicitAny: looks into two documents
  const read = type.toObject(type.decode((await get('/openapi/v2', v2)).body)) as any;
  // biome-ignore lint/suspicious/noExplicitAny: looks into two documents
  const json = JSON.parse((await get('/openapi/v2', 'application/json')).body.toString()) as any;
  expect(read.paths.path.map((each: { name: string }) => each.name)).toEqual(Object.keys(json.paths));
  expect(read.definitions.entries.map((each: { name: string }) => each.name)).toEqual(Object.keys(json.definitions));
  const name = 'io.k8s.api.core.v1.PodSpec';
  const spec = read.definitions.entries.find((each: { name: string }) => each.name === name).value;
  const containers = spec.properties.entries.find((each: { name: string }) => each.name === 'containers').value;
  const wanted = json.definitions[name].properties.containers;
  expect(containers.type.value).toEqual(['array']);
  expect(containers.items.schema[0].ref).toBe(wanted.items.$ref);
  expect(
    Object.fromEntries(
      containers.extensions.map((each: { name: string; value: { yaml: string } }) => [each.name, JSON.parse(each.value.yaml)]),
    ),
  ).toEqual(Object.fromEntries(Object.entries(wanted).filter(([key]) => key.startsWith('x-'))));
});

test.each([
  ['application/apply-patch+yaml', '415: Unsupported Media Type: server-side apply is not served'],
  ['application/apply-patch+cbor', '415: Unsupported Media Type: server-side apply is not served'],
  ['application/foo', '415: Unsupported Media Type'],
  ['', '415: Unsupported Media Type'],
])('a patch of type %j is refused, whether there is something to patch or not', async (type, message) => {
  const user = await server.operator();
  for (const path of ['namespaces/default', 'namespaces/nothere', 'namespaces/default/configmaps/nothere', 'nodes/nothere']) {
    const answer = await user.call('PATCH', `/api/v1/${path}?fieldManager=m`, { body: '{}', type });
    expect([path, answer.code, answer.body.message]).toEqual([path, 415, message]);
    expect(answer.body.reason).toBe('UnsupportedMediaType');
  }
});
