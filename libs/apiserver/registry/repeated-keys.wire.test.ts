// Strategic merges of lists whose merge key repeats: a Service's ports are merged by their number, and one number may stand there
// for several protocols. Recorded from the original: UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER (the names must be free).
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { originalFrom } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const services = '/api/v1/namespaces/default/services';
const type = 'application/strategic-merge-patch+json';
let server: WireServer | undefined;
afterAll(() => server?.stop());

const udp = { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 };
const tcp = { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 };
const metrics = { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 };

/** A title, what is there, and the patch of its specification. */
const cases: readonly (readonly [string, readonly object[], object])[] = [
  ['another port changed', [udp, tcp, metrics], { ports: [{ port: 9153, targetPort: 9154 }] }],
  [
    'another port changed, in the order of a client',
    [udp, tcp, metrics],
    { $setElementOrder_ports: [{ port: 53 }, { port: 53 }, { port: 9153 }], ports: [{ port: 9153, targetPort: 9154 }] },
  ],
  ['one of the equal ones changed', [udp, tcp], { ports: [{ port: 53, targetPort: 5353 }] }],
  ['one of the equal ones named and changed', [udp, tcp], { ports: [{ port: 53, protocol: 'TCP', targetPort: 5353 }] }],
  [
    'both given',
    [udp, tcp],
    {
      ports: [
        { ...udp, targetPort: 1 },
        { ...tcp, targetPort: 2 },
      ],
    },
  ],
  ['the second added', [udp], { ports: [udp, tcp] }],
  ['the second added in order', [udp], { $setElementOrder_ports: [{ port: 53 }, { port: 53 }], ports: [tcp] }],
  ['deleted by key', [udp, tcp, metrics], { ports: [{ port: 53, $patch: 'delete' }] }],
  [
    'deleted, with another',
    [udp, metrics],
    {
      ports: [
        { port: 53, $patch: 'delete' },
        { port: 54, name: 'x' },
      ],
    },
  ],
  ['replaced as a whole', [udp, tcp, metrics], { ports: [{ $patch: 'replace' }, metrics] }],
  [
    'an order that names what is not there',
    [udp, metrics],
    { $setElementOrder_ports: [{ port: 9153 }, { port: 1 }, { port: 53 }] },
  ],
  ['the order turned', [udp, metrics], { $setElementOrder_ports: [{ port: 9153 }, { port: 53 }] }],
  ['an unknown directive', [udp], { ports: [{ port: 53, $patch: 'mend' }] }],
];

test('ports of services', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const user = ((await server?.operator()) ?? (await original?.('admin'))) as WireClient;
  const lines: string[] = [];
  for (const [title, ports, patch] of cases) {
    const made = await user.call('POST', services, {
      body: { metadata: { name: 'repeated' }, spec: { clusterIP: 'None', ports } },
    });
    expect(made.code).toBe(201);
    // An object's keys have no slash here.
    const body = { spec: JSON.parse(JSON.stringify(patch).replaceAll('$setElementOrder_', '$setElementOrder/')) as object };
    const { code, body: answer } = await user.call('PATCH', `${services}/repeated`, { body, type });
    const told = answer.spec?.ports?.map(
      (port: { name: string; port: number; protocol: string; targetPort: number }) =>
        `${port.name} ${port.port}/${port.protocol} -> ${port.targetPort}`,
    );
    lines.push(`${title}: ${code} ${told?.join(', ') ?? answer.message}`);
    await user.call('DELETE', `${services}/repeated`);
  }
  const file = new URL('../testdata/repeated-keys.txt', import.meta.url);
  if (process.env.UPDATE === '1') writeFileSync(file, `${lines.join('\n')}\n`);
  expect(`${lines.join('\n')}\n`).toBe(readFileSync(file, 'utf8'));
}, 60_000);
