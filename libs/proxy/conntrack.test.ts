// UDP flows in a kernel, through the proxier: which of them a change of services and endpoints ends.

import process from 'node:process';
import { silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nftSink } from './nft.ts';
import { Proxier } from './proxier.ts';
import type { Endpoint, ServicePort } from './service-port.ts';
import { type Kernel, kernel } from './testing/kernel.ts';
import { plainPort } from './testing/plain-port.ts';

const minSyncPeriodMs = 1000;
const nodeIP = '10.0.0.9';
const service: ServicePort = {
  ...plainPort,
  name: 'dns',
  protocol: 'udp',
  port: 53,
  clusterIP: '10.96.0.5',
  nodePort: 30_053,
  externalIPs: ['1.2.3.4'],
  loadBalancerIPs: ['6.7.8.9'],
};
const at = (ip: string, more: Partial<Endpoint> = {}): Endpoint => ({
  ...{ ip, port: 5353, ready: true, serving: true, terminating: false, local: false },
  ...more,
});
const [one, two] = [at('127.0.0.11'), at('127.0.0.12')];
const everywhere = [
  ['10.96.0.5', 53],
  ['1.2.3.4', 53],
  ['6.7.8.9', 53],
  [nodeIP, 30_053],
] as const;

describe.skipIf(kernelIsMissing())('flows (needs root, nft, conntrack and ip)', () => {
  let world: Kernel;
  let ports: ServicePort[];
  let proxier: Proxier;
  let apply: (...after: ServicePort[]) => Promise<void>;

  beforeEach(() => {
    world = kernel('flows') as Kernel;
    for (const range of ['10.0.0.0/8', '1.0.0.0/8', '6.0.0.0/8', '8.0.0.0/8'])
      world.run('ip', 'route', 'add', range, 'dev', 'lo', 'src', '127.0.0.1');
    world.run('ip', 'address', 'add', `${nodeIP}/32`, 'dev', 'lo');
    const clock = new VirtualClock();
    ports = [];
    let seen: ServicePort[] | undefined;
    let synced: ServicePort[] | undefined;
    proxier = new Proxier({
      clock,
      log: silentLog,
      minSyncPeriodMs,
      syncPeriodMs: 30_000,
      sink: nftSink(world.enter),
      observe: () => {
        seen = ports;
        return {
          ports,
          plan: { local: undefined, nodePortIPs: [nodeIP], nodeIP: undefined, masqueradeAll: false, masqueradeBit: 14 },
        };
      },
      onSynced: () => {
        synced = seen;
      },
    });
    apply = async (...after) => {
      ports = after;
      proxier.trigger();
      while (synced !== after) {
        if (seen !== after) await clock.advanceAsync(minSyncPeriodMs);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
  });
  afterEach(async () => {
    await proxier.stop();
    world.remove();
  });

  /** Begins one-way flows, each from a port of its own. */
  const send = (...to: (readonly [string, number])[]) => {
    const script = `const { createSocket } = require('node:dgram');
      for (const [ip, port] of ${JSON.stringify(to)}) {
        const socket = createSocket('udp4').on('error', () => {});
        socket.send('x', port, ip, () => socket.close());
      }`;
    world.run(process.execPath, '-e', script);
  };
  /** `destination:port>answering:port` of all flows. */
  const flows = async () =>
    (await nftSink(world.enter).udpFlows())
      .map((flow) => `${flow.destination}:${flow.destinationPort}>${flow.replySource}:${flow.replySourcePort}`)
      .sort();
  const translated = (to: Endpoint) => everywhere.map(([ip, port]) => `${ip}:${port}>${to.ip}:${to.port}`).sort();

  test('a service with an endpoint has flows at every address; at zero endpoints none is left', async () => {
    await apply({ ...service, endpoints: [one] });
    send(...everywhere, ['8.8.8.8', 53]);
    expect(await flows()).toEqual([...translated(one), '8.8.8.8:53>8.8.8.8:53'].sort());
    await apply(service);
    expect(await flows()).toEqual(['8.8.8.8:53>8.8.8.8:53']);
  });

  test('another endpoint, or the same at another port, takes over', async () => {
    await apply({ ...service, endpoints: [one] });
    send(...everywhere);
    await apply({ ...service, endpoints: [two] });
    expect(await flows()).toEqual([]);
    send(...everywhere);
    expect(await flows()).toEqual(translated(two));
    await apply({ ...service, endpoints: [{ ...two, port: 5354 }] });
    expect(await flows()).toEqual([]);
  });

  test('an endpoint that ends but still serves keeps its flows, whatever else is ready and whatever policy was set', async () => {
    await apply({ ...service, endpoints: [one] });
    send(...everywhere);
    await apply({
      ...service,
      internalLocal: true,
      externalLocal: true,
      affinitySeconds: 5,
      endpoints: [at(one.ip, { ready: false, terminating: true }), two],
    });
    expect(await flows()).toEqual(translated(one));
    await apply({ ...service, endpoints: [at(one.ip, { ready: false, serving: false, terminating: true }), two] });
    expect(await flows()).toEqual([]);
  });

  test('addresses and node ports that a service gives up end their flows, the others stay', async () => {
    await apply({ ...service, endpoints: [one] });
    send(...everywhere);
    await apply({ ...service, externalIPs: [], loadBalancerIPs: [], nodePort: 0, endpoints: [one] });
    expect(await flows()).toEqual(['10.96.0.5:53>127.0.0.11:5353']);
  });

  test('deleted, and made again under the same address: nothing of the old service is reached', async () => {
    await apply({ ...service, endpoints: [one] });
    send(...everywhere);
    await apply();
    expect(await flows()).toEqual([]);
    send(['10.96.0.5', 53]);
    expect(await flows()).toEqual(['10.96.0.5:53>10.96.0.5:53']);
    await apply({ ...service, name: 'other', endpoints: [two] });
    expect(await flows()).toEqual([]);
    send(['10.96.0.5', 53]);
    expect(await flows()).toEqual(['10.96.0.5:53>127.0.0.12:5353']);
  });

  test('hundreds of flows go at once', async () => {
    await apply({ ...service, endpoints: [one] });
    send(...Array.from({ length: 500 }, () => ['10.96.0.5', 53] as const));
    expect((await flows()).length).toBe(500);
    await apply(service);
    expect(await flows()).toEqual([]);
  });
});

function kernelIsMissing(): boolean {
  const probe = kernel('probe');
  probe?.remove();
  return probe === undefined;
}
