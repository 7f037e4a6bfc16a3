// The load of ../store.ts, a process of its own: `node load.ts JSON` with a Load; prints a Measured as JSON.
import { LeaseKeepAliveRequest, PutRequest, WatchRequest } from '@drydock/etcd/rpc/messages.ts';
import { encode } from '@drydock/etcd/rpc/protobuf.ts';
import { grpcMessage, type LoadConnection, MessageCounter } from './connection.ts';
import { connect, drive as driveCalls } from './drive.ts';
import type { Load, Measured } from './measured.ts';
import { headersOf, keyCount, putsPerTxn } from './requests.ts';

const leaseCount = 10_000;
const watcherCount = 1000;
/** Of `watch`; where each watcher has a stream of its own, that is how other clients than etcd's do it. */
const watchersPerStream = 100;

const load = JSON.parse(process.argv[2] ?? '{}') as Load;
const value = Buffer.alloc(load.valueBytes, 'v');

// Zero values of the fields that a message of the load does not use.
const noWatch = {
  ...{ range_end: '', start_revision: 0, progress_notify: false, filters: [], prev_kv: false, watch_id: 0, fragment: false },
};

const latenciesMs: number[] = [];
let failed = 0;

const connections = await connect(load.endpoints, load.clients);
const connectionOf = (i: number): LoadConnection => connections[i % connections.length] as LoadConnection;

/** Callers with one call under way each, until the time is over or all calls are made. */
function drive(kind: string, calls: number, durationMs: number): Promise<void> {
  return driveCalls(connections, { ...load, kind, calls, durationMs }, (tookMs, answered) => {
    latenciesMs.push(tookMs);
    if (!answered) failed++;
  });
}

/** One write at a time; its latency ends when the last watcher has it. */
async function fanOut(durationMs: number, perStream: number): Promise<void> {
  const key = 'bench-watched';
  const headers = headersOf('Watch/Watch');
  const create = grpcMessage(encode(WatchRequest, { create_request: { ...noWatch, key } }));
  let awaited = watcherCount;
  let all = (): void => {};
  const arrived = (): void => {
    if (--awaited === 0) all();
  };
  const created = new Promise<void>((resolve) => {
    all = resolve;
  });
  for (let i = 0; i < watcherCount / perStream; i++) {
    const counter = new MessageCounter(arrived);
    const connection = connectionOf(i);
    const stream = connection.stream(headers, create, {
      data: (bytes, from, to) => counter.take(bytes, from, to),
      end: () => {
        failed++;
      },
    });
    for (let j = 1; j < perStream; j++) connection.send(stream, create);
  }
  await created;
  const put = grpcMessage(encode(PutRequest, { key, value }));
  const putHeaders = headersOf('KV/Put');
  const ignore = { data: () => {}, end: () => {} };
  begun();
  for (const end = performance.now() + durationMs; performance.now() < end; ) {
    const from = performance.now();
    await new Promise<void>((resolve) => {
      awaited = watcherCount;
      all = resolve;
      connectionOf(0).call(putHeaders, put, ignore);
    });
    latenciesMs.push(performance.now() - from);
  }
}

/** Streams that renew one lease after the other. */
async function keepAlive(durationMs: number): Promise<void> {
  const headers = headersOf('Lease/LeaseKeepAlive');
  const messages = Array.from({ length: leaseCount }, (_, n) =>
    grpcMessage(encode(LeaseKeepAliveRequest, { ID: BigInt(n + 1) })),
  );
  const message = (n: number): Buffer => messages[n % leaseCount] as Buffer;
  const end = performance.now() + durationMs;
  let next = 0;
  const renewer = (connection: LoadConnection): Promise<void> =>
    new Promise((resolve) => {
      let from = performance.now();
      const counter = new MessageCounter(() => {
        const now = performance.now();
        latenciesMs.push(now - from);
        from = now;
        if (now < end) connection.send(stream, message(next++));
        else resolve();
      });
      const stream = connection.stream(headers, message(next++), {
        data: (bytes, from, to) => counter.take(bytes, from, to),
        end: () => {
          failed++;
          resolve();
        },
      });
    });
  await Promise.all(Array.from({ length: load.clients }, (_, i) => renewer(connectionOf(i))));
}

let start = 0;
let cpuStart = process.cpuUsage();
/** The load proper begins: the parent takes the servers' figures. */
function begun(): void {
  start = performance.now();
  cpuStart = process.cpuUsage();
  latenciesMs.length = 0;
  failed = 0;
  process.stdout.write('begun\n');
}

if (load.kind === 'fill') {
  begun();
  await drive('fill', load.calls / putsPerTxn, Infinity);
} else if (load.kind === 'watch') {
  await fanOut(load.durationMs, watchersPerStream);
} else if (load.kind === 'watch-streams') {
  await fanOut(load.durationMs, 1);
} else if (load.kind === 'keepalive') {
  await drive('grant', leaseCount, Infinity);
  begun();
  await keepAlive(load.durationMs);
} else {
  if (load.kind !== 'put') await drive('put', keyCount, Infinity);
  await drive(load.kind, Infinity, load.durationMs / 4);
  begun();
  await drive(load.kind, Infinity, load.durationMs);
}

const seconds = (performance.now() - start) / 1000;
const cpu = process.cpuUsage(cpuStart);
const operations = latenciesMs.length - failed;
latenciesMs.sort((a, b) => a - b);
const quantile = (q: number): number => latenciesMs[Math.floor(q * (latenciesMs.length - 1))] ?? 0;
const measured: Measured = {
  perSecond: operations / seconds,
  p50Ms: quantile(0.5),
  p99Ms: quantile(0.99),
  failed,
  operations,
  loadCpuUs: (cpu.user + cpu.system) / Math.max(1, operations),
};
console.log(JSON.stringify(measured));
for (const connection of connections) connection.close();
