import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import type { EndpointSlice, Service } from '@drydock/api/generated/types.ts';
import { endpointSlices, namespaces, services } from '@drydock/api/resource.ts';
import { InformerFactory } from '@drydock/client/informer-factory.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { decode, encode } from 'dns-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InformerView } from './cluster-view.ts';
import { DnsListener } from './listener.ts';
import { parseResolvConf, parseServer } from './resolv-conf.ts';
import { Responder } from './responder.ts';

const clock = new SystemClock();
const random = new SeededRandom(1);
const client = new MemoryApi({ clock, random });
const factory = new InformerFactory({ client, clock, random, log: silentLog });
const view = new InformerView(factory);
const stop = new AbortController();
const forwarded: string[] = [];
/** The types that metrics have counted. */
const counted: string[] = [];
const responder = new Responder({
  view,
  domain: 'cluster.local',
  forward: async (query, _protocol, name) => {
    forwarded.push(name);
    if (name !== 'example.com') throw new Error('no server');
    const { id, questions } = decode(query);
    return encode({
      type: 'response',
      id: id ?? 0,
      questions: questions ?? [],
      answers: [
        { type: 'A', name: 'bank.example', data: '6.6.6.6' },
        { type: 'CNAME', name, data: 'real.example' },
        { type: 'A', name: 'REAL.example', data: '93.184.216.34' },
        { type: 'A', name: 'web.default.svc.cluster.local', data: '6.6.6.6' },
      ],
    });
  },
  ready: () => view.ready,
  serial: () => 1,
  random: (bound) => random.stream('order').int(bound),
  onAnswer: (type) => counted.push(type),
});
const listener = new DnsListener(responder, silentLog, clock, '127.0.0.1', 0);
const resolver = new Resolver({ timeout: 5000, tries: 1 });

const service = (name: string, spec: Service['spec']) =>
  client.create<Service>(services, { metadata: { namespace: 'default', name }, spec });
const slice = (name: string, endpoints: EndpointSlice['endpoints']) =>
  client.create<EndpointSlice>(endpointSlices, {
    metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'h', port: 8080, protocol: 'TCP' }],
    endpoints,
  });

beforeAll(async () => {
  await client.create(namespaces, { metadata: { name: 'default' } });
  const ports = [{ name: 'h', port: 80, protocol: 'TCP' }];
  await service('web', { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports });
  await service('hl', { clusterIP: 'None', clusterIPs: ['None'], ports });
  await service('inside', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' });
  await service('outside', { type: 'ExternalName', externalName: 'example.com' });
  await service('lost', { type: 'ExternalName', externalName: 'lost.example' });
  await service('six', { clusterIP: 'fd00::a:1', clusterIPs: ['fd00::a:1', '10.96.0.66'], ports });
  await service('hl6', { clusterIP: 'None', clusterIPs: ['None'], ports });
  await client.create<EndpointSlice>(endpointSlices, {
    metadata: { namespace: 'default', name: 'hl6-1', labels: { 'kubernetes.io/service-name': 'hl6' } },
    addressType: 'IPv6',
    ports: [{ name: 'h', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: ['2001:DB8::0:1'], hostname: 'pod-6', conditions: { ready: true } }],
  });
  await service('many', { clusterIP: 'None', clusterIPs: ['None'], ports });
  await slice('hl', [
    { addresses: ['10.244.1.1'], hostname: 'pod-0', conditions: { ready: true } },
    { addresses: ['10.244.1.2'], conditions: { ready: true } },
    { addresses: ['10.244.1.3'], conditions: { ready: false } },
  ]);
  await slice(
    'many',
    Array.from({ length: 1000 }, (_, index) => ({
      addresses: [`10.244.${index >> 8}.${index & 255}`],
      conditions: { ready: true },
    })),
  );
  factory.start(stop.signal);
  await factory.synced();
  await listener.start();
  resolver.setServers([`127.0.0.1:${listener.port}`]);
});

afterAll(async () => {
  stop.abort();
  await listener.stop();
});

const ask = (name: string, type: string): Promise<unknown> =>
  resolver.resolve(name, type).then(
    (found) =>
      Array.isArray(found)
        ? found
            .map((entry) =>
              typeof entry === 'object' && !Array.isArray(entry) && 'port' in entry ? `${entry.name}:${entry.port}` : entry,
            )
            .sort()
        : found,
    (error: { code: string }) => error.code,
  );

function reversed(digits: string): string {
  return `${[...digits].reverse().join('.')}.ip6.arpa`;
}

test.each([
  ['web.default.svc.cluster.local', 'A', ['10.96.0.7']],
  ['WEB.Default.svc.cluster.local', 'A', ['10.96.0.7']],
  ['web.default.svc.cluster.local', 'AAAA', 'ENODATA'],
  ['web.other.svc.cluster.local', 'A', 'ENOTFOUND'],
  ['none.default.svc.cluster.local', 'A', 'ENOTFOUND'],
  ['default.svc.cluster.local', 'A', 'ENODATA'],
  ['other.svc.cluster.local', 'A', 'ENOTFOUND'],
  ['cluster.local', 'A', 'ENODATA'],
  ['_h._tcp.web.default.svc.cluster.local', 'SRV', ['web.default.svc.cluster.local:80']],
  ['_x._tcp.web.default.svc.cluster.local', 'SRV', 'ENOTFOUND'],
  ['hl.default.svc.cluster.local', 'A', ['10.244.1.1', '10.244.1.2']],
  ['pod-0.hl.default.svc.cluster.local', 'A', ['10.244.1.1']],
  ['10-244-1-2.hl.default.svc.cluster.local', 'A', ['10.244.1.2']],
  [
    '_h._tcp.hl.default.svc.cluster.local',
    'SRV',
    ['10-244-1-2.hl.default.svc.cluster.local:8080', 'pod-0.hl.default.svc.cluster.local:8080'],
  ],
  ['inside.default.svc.cluster.local', 'A', ['10.96.0.7']],
  ['outside.default.svc.cluster.local', 'A', ['93.184.216.34']],
  ['lost.default.svc.cluster.local', 'CNAME', ['lost.example']],
  ['7.0.96.10.in-addr.arpa', 'PTR', ['web.default.svc.cluster.local']],
  ['1.1.244.10.in-addr.arpa', 'PTR', ['pod-0.hl.default.svc.cluster.local']],
  ['six.default.svc.cluster.local', 'AAAA', ['fd00::a:1']],
  [reversed('fd0000000000000000000000000a0001'), 'PTR', ['six.default.svc.cluster.local']],
  [reversed('20010db8000000000000000000000001'), 'PTR', ['pod-6.hl6.default.svc.cluster.local']],
  ['10-244-9-9.default.pod.cluster.local', 'A', ['10.244.9.9']],
  ['10-244-9-999.default.pod.cluster.local', 'A', 'ENOTFOUND'],
  ['example.com', 'CNAME', ['real.example']],
  ['nowhere.example', 'A', 'ESERVFAIL'],
])('%s %s', async (name, type, expected) => {
  expect(await ask(name, type)).toEqual(expected);
});

test('names of the cluster are never forwarded', () => {
  expect(forwarded.filter((name) => name.endsWith('cluster.local'))).toEqual([]);
});

async function raw(query: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  socket.send(query, listener.port, '127.0.0.1');
  const [answer] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return answer;
}

test('a long answer is cut off over UDP by what the client can take, and whole over TCP', async () => {
  const question = { type: 'A' as const, name: 'many.default.svc.cluster.local' };
  const plain = await raw(encode({ type: 'query', id: 7, questions: [question] }));
  expect(plain.length).toBeLessThanOrEqual(512);
  expect(decode(plain).flag_tc).toBe(true);
  const edns = encode({
    type: 'query',
    id: 7,
    questions: [question],
    additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] } as never],
  });
  // Names are compressed: 16 bytes a record.
  expect(decode(plain).answers?.length).toBe(Math.floor((512 - 12 - question.name.length - 6) / 16));
  const larger = await raw(edns);
  expect([larger.length > 512, larger.length <= 1232]).toEqual([true, true]);
  expect(decode(larger).additionals?.some(({ type }) => type === 'OPT')).toBe(true);
  expect((await resolver.resolve4(question.name)).length).toBe(1000);
});

test('NXDOMAIN carries the SOA with the time it may be kept', async () => {
  const answer = decode(await raw(encode({ type: 'query', id: 9, questions: [{ type: 'A', name: 'x.cluster.local' }] })));
  expect([answer.id, (answer.flags ?? 0) & 15, answer.flag_aa, answer.authorities?.[0]?.type]).toEqual([9, 3, true, 'SOA']);
});

test('what cannot be read gets FORMERR, what is no query gets nothing', async () => {
  const broken = Buffer.concat([encode({ type: 'query', id: 5, questions: [{ type: 'A', name: 'a.b' }] }).subarray(0, 14)]);
  expect((await responder.respond(broken, 'udp'))?.[3]).toBe(1);
  expect(await responder.respond(encode({ type: 'response', id: 5 }), 'udp')).toBeUndefined();
  expect(await responder.respond(Buffer.from('x'), 'udp')).toBeUndefined();
});

test.each([
  { what: 'hundreds of records', section: 10, count: 250, code: 1 },
  { what: 'more answers than a query can have', section: 6, count: 2, code: 1 },
  { what: 'more than a query can be', section: 10, count: 4000, code: 1 },
  { what: 'what EDNS0 and a signature add', section: 10, count: 2, code: 0 },
])('a query with $what is answered with code $code', async ({ section, count, code }) => {
  const name = 'web.default.svc.cluster.local';
  const query = encode({ type: 'query', id: 6, questions: [{ type: 'A', name }] });
  query.writeUInt16BE(count, section);
  // Each leads back to the name of the question, as a record for which a reader has much to do.
  const records = Array.from({ length: count }, () => Buffer.of(0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2, 0xc0, 12));
  const answer = await responder.respond(Buffer.concat([query, ...records]), 'udp');
  expect([answer?.readUInt16BE(0), (answer?.[3] ?? 0) & 15]).toEqual([6, code]);
});

test('types that have no name are one in metrics, however many are asked for', async () => {
  counted.splice(0);
  for (const type of ['UNKNOWN_65300', 'UNKNOWN_65301', 'AAAA'] as never[])
    for (const name of ['web.default.svc.cluster.local', 'example.com'])
      await responder.respond(encode({ type: 'query', id: 6, questions: [{ type, name }] }), 'udp');
  expect(counted).toEqual(['other', 'other', 'other', 'other', 'AAAA', 'AAAA']);
});

test('records of names that were not asked for are not taken over from another server', async () => {
  const query = encode({ type: 'query', id: 3, questions: [{ type: 'A', name: 'outside.default.svc.cluster.local' }] });
  expect(decode(await raw(query)).answers?.map((each) => [each.name, (each as { data: unknown }).data])).toEqual([
    ['outside.default.svc.cluster.local', 'example.com'],
    ['example.com', 'real.example'],
    ['real.example', '93.184.216.34'],
  ]);
});

test('the question comes back byte by byte, and names in answers as they were asked for', async () => {
  const query = encode({ type: 'query', id: 4, questions: [{ type: 'A', name: 'wEb.default.svc.CLUSTER.local' }] });
  const answer = await raw(query);
  expect(answer.subarray(12, query.length)).toEqual(query.subarray(12));
  expect(decode(answer).answers?.[0]?.name).toBe('wEb.default.svc.CLUSTER.local');
});

test('resolv.conf and --forward', () => {
  expect(
    parseResolvConf('# x\nnameserver 1.1.1.1\n nameserver fe80::1%eth0\nnameserver x\nsearch y').map(({ host }) => host),
  ).toEqual(['1.1.1.1', 'fe80::1']);
  expect([parseServer('1.2.3.4:99'), parseServer('[::1]:53'), parseServer('x')]).toEqual([
    { host: '1.2.3.4', port: 99 },
    { host: '::1', port: 53 },
    undefined,
  ]);
});
