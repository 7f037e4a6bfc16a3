// `npm run bench:proxy`: from the writing of an EndpointSlice to the first connection that gets through, at kube-proxies of ours and of
// upstream's (nftables mode) beside each other on one API server, at rest and among 1,000 Services of which ten change each second.
// Needs root and DRYDOCK_UPSTREAM. `-- --rounds N --services N`.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serviceNameLabel } from '@drydock/api/endpoint-slices.ts';
import type { EndpointSlice, Node, Service } from '@drydock/api/generated/types.ts';
import { endpointSlices, nodes, services } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { connect } from '@drydock/client/connect.ts';
import { execa } from '@drydock/foundation/child-process.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { upstreamProgram } from '../integration/store/members.ts';
import { addresses, endpoint, openPlace, type Place } from './proxy/place.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, services: { type: 'string', default: '1000' } },
});
const rounds = Number(values.rounds);
const upstream = process.env.DRYDOCK_UPSTREAM ?? '';
const binary = upstreamProgram('kube-proxy') ?? '';
const folder = '/tmp/drydock-bench-proxy';
/** After a sync neither proxy makes another for a second: a round at rest begins after it. */
const restMs = 1_500;
const churnMs = 100;
const namespace = 'default';

if (process.getuid?.() !== 0 || !existsSync(join(upstream, 'cluster')) || !existsSync(binary)) {
  console.log('skipped: needs root, DRYDOCK_UPSTREAM and the unpacked upstream programs');
  process.exit(0);
}

const now = () => performance.timeOrigin + performance.now();
const slice = (name: string, ips: readonly string[]): EndpointSlice => ({
  metadata: { namespace, name, labels: { [serviceNameLabel]: name } },
  addressType: 'IPv4',
  ports: [{ port: endpoint.port, protocol: 'TCP' }],
  endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
});

async function makeService(client: ApiClient, name: string, ips: readonly string[]): Promise<string> {
  const service: Service = { metadata: { namespace, name }, spec: { ports: [{ port: 80, protocol: 'TCP' }] } };
  const made = await client.create(services, service);
  await client.create(endpointSlices, slice(name, ips));
  return made.spec?.clusterIP ?? '';
}

async function makeNode(client: ApiClient, name: string, nodeIP: string): Promise<void> {
  await client.create<Node>(nodes, { metadata: { name } });
  // Without a version: controllers write to it meanwhile.
  const status = { addresses: [{ type: 'InternalIP', address: nodeIP }] };
  await client.update<Node>(nodes, { metadata: { name }, status }, { subresource: 'status' });
}

/** Milliseconds from the write until each place lets a connection through, round by round. */
async function measure(client: ApiClient, ip: string, name: string, places: readonly Place[]): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>(places.map((place) => [place.name, []]));
  for (let round = 0; round < rounds; round++) {
    await client.update(endpointSlices, slice(name, []));
    await Promise.all(places.map((place) => place.ask({ ip, port: 80, want: 'closed' })));
    await sleep(restMs + Math.random() * 1000);
    const opened = places.map((place) => place.ask({ ip, port: 80, want: 'open' }));
    const started = now();
    await client.update(endpointSlices, slice(name, [endpoint.ip]));
    for (const [index, at] of (await Promise.all(opened)).entries()) found.get(places[index]?.name ?? '')?.push(at - started);
  }
  return found;
}

function report(title: string, found: ReadonlyMap<string, readonly number[]>): void {
  const quantile = (list: readonly number[], q: number) =>
    [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))] ?? Number.NaN;
  const rows = [...found].map(([name, list]) => ({
    name,
    median: quantile(list, 0.5),
    p90: quantile(list, 0.9),
    worst: quantile(list, 1),
  }));
  for (const { name, median, p90, worst } of rows)
    console.log(
      `${title}  ${name.padEnd(8)} median ${median.toFixed(0)} ms  p90 ${p90.toFixed(0)} ms  worst ${worst.toFixed(0)} ms`,
    );
  const [ours, theirs] = rows;
  if (ours !== undefined && theirs !== undefined)
    console.log(
      `${title}  ours/upstream: median ${(ours.median / theirs.median).toFixed(2)}, p90 ${(ours.p90 / theirs.p90).toFixed(2)}`,
    );
}

const script = join(upstream, 'cluster');
const up = await execa(script, ['up', '--dir', folder, '--port', '17553'], { stdin: 'ignore' });
const places: Place[] = [];
let ended: Promise<void> | undefined;
const end = (): Promise<void> => {
  ended ??= (async () => {
    for (const place of places) await place.close();
    await execa(script, ['down', '--dir', folder], { reject: false });
  })();
  return ended;
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end().then(() => process.exit(1)));
try {
  const kubeconfig = /KUBECONFIG=['"]?([^'"\s]+)/.exec(up.stdout)?.[1] ?? '';
  const client = await connect(kubeconfig, { clock: new SystemClock(), random: new SystemRandom() });
  const launcher = fileURLToPath(new URL('../../drydock', import.meta.url));
  const commands = { ours: [launcher, 'run', 'kube-proxy'], upstream: [binary] };
  for (const [index, [name, command]] of Object.entries(commands).entries()) {
    await makeNode(client, `drydock-bench-${name}`, addresses(index).nodeIP);
    places.push(await openPlace(name, index, command, kubeconfig));
  }
  const ip = await makeService(client, 'probe', [endpoint.ip]);
  await Promise.all(places.map((place) => place.ask({ ip, port: 80, want: 'open' })));
  report('at rest      ', await measure(client, ip, 'probe', places));
  const names = Array.from({ length: Number(values.services) }, (_, index) => `load-${index}`);
  const ips = (seed: number) => [1, 2].map((index) => `10.213.${1 + (seed % 200)}.${index}`);
  for (let at = 0; at < names.length; at += 20)
    await Promise.all(names.slice(at, at + 20).map((name, index) => makeService(client, name, ips(at + index))));
  let churning = true;
  const churn = (async () => {
    for (let turn = 0; churning; turn++) {
      await client.update(endpointSlices, slice(names[turn % names.length] ?? '', ips(turn + 7)));
      await sleep(churnMs);
    }
  })();
  report(`${names.length} Services`.padEnd(13), await measure(client, ip, 'probe', places));
  churning = false;
  await churn;
  client.close();
} finally {
  await end();
}
