// The load of store.ts, a process of its own: `node store-load.ts JSON` with a Load; prints a Measured as JSON.

import { PutRequest, PutResponse, RangeRequest, RangeResponse } from '@drydock/etcd/rpc/messages.ts';
import { Client, credentials } from '@grpc/grpc-js';
import { unaryCall } from '../integration/store/client.ts';

export interface Load {
  readonly kind: 'put' | 'get' | 'list';
  /** `host:port`. */
  readonly endpoints: readonly string[];
  /** Callers, each with one call under way. */
  readonly clients: number;
  readonly durationMs: number;
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

const valueBytes = 256;
/** Keys that `put` writes and the others read. */
const keyCount = 10_000;
/** Callers that share a connection, as those of one program do. */
const callersPerConnection = 32;
const listLimit = 100;
const deadlineMs = 30_000;

const load = JSON.parse(process.argv[2] ?? '{}') as Load;
const value = Buffer.alloc(valueBytes, 'v');
const keyOf = (n: number): string => `bench/${String(n % keyCount).padStart(8, '0')}`;

async function call(client: Client, n: number): Promise<unknown> {
  const key = keyOf(n);
  if (load.kind === 'put') return unaryCall(client, 'KV/Put', [PutRequest, PutResponse], { key, value }, deadlineMs);
  const list = load.kind === 'list' ? { range_end: 'bench0', limit: listLimit } : {};
  return unaryCall(client, 'KV/Range', [RangeRequest, RangeResponse], { key, ...list }, deadlineMs);
}

const connections = Math.max(load.endpoints.length, Math.ceil(load.clients / callersPerConnection));
const clients = Array.from(
  { length: connections },
  (_, i) =>
    new Client(load.endpoints[i % load.endpoints.length] ?? '', credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    }),
);
await Promise.all(clients.map((client, i) => call(client, i)));

const latenciesMs: number[] = [];
let failed = 0;
let next = 0;
const start = performance.now();
const end = start + load.durationMs;
await Promise.all(
  Array.from({ length: load.clients }, async (_, i) => {
    const client = clients[i % clients.length];
    if (client === undefined) return;
    for (let from = performance.now(); from < end; ) {
      // A stride that visits all keys in no order.
      await call(client, next++ * 7919).catch(() => failed++);
      const now = performance.now();
      latenciesMs.push(now - from);
      from = now;
    }
  }),
);
const seconds = (performance.now() - start) / 1000;
latenciesMs.sort((a, b) => a - b);
const quantile = (q: number): number => latenciesMs[Math.floor(q * (latenciesMs.length - 1))] ?? 0;
const measured: Measured = {
  perSecond: (latenciesMs.length - failed) / seconds,
  p50Ms: quantile(0.5),
  p99Ms: quantile(0.99),
  failed,
};
console.log(JSON.stringify(measured));
for (const client of clients) client.close();
