// The load of ../store.ts, a process of its own: `node load.ts JSON` with a Load; prints a Measured as JSON.
import {
  compareResult,
  compareTarget,
  LeaseGrantRequest,
  LeaseKeepAliveRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
  WatchRequest,
} from '@drydock/etcd/rpc/messages.ts';
import { encode } from '@drydock/etcd/rpc/protobuf.ts';
import { grpcMessage, headerBlock, LoadConnection, MessageCounter } from './connection.ts';
import type { Load, Measured } from './measured.ts';

/** Keys that `put` writes and the others read. */
const keyCount = 10_000;
/** Callers that share a connection, as those of one program do. */
const callersPerConnection = 32;
const rangeLimit = 1000;
const leaseCount = 10_000;
const watcherCount = 1000;
/** Of `watch`; where each watcher has a stream of its own, that is how other clients than etcd's do it. */
const watchersPerStream = 100;
/** A request stays below the 16 KiB of one frame. */
const putsPerTxn = 40;

const load = JSON.parse(process.argv[2] ?? '{}') as Load;
const value = Buffer.alloc(load.valueBytes, 'v');
const keyOf = (n: number): string => `bench/${String(n % keyCount).padStart(8, '0')}`;
const headersOf = (path: string): Buffer => headerBlock(`/etcdserverpb.${path}`, 'bench');

// Zero values of the fields that a message of the load does not use.
const noCompare = { version: 0, create_revision: 0, mod_revision: 0, value: Buffer.alloc(0), lease: 0n, range_end: '' };
const noPut = { lease: 0n, prev_kv: false, ignore_value: false, ignore_lease: false };
const noRange = {
  ...{ range_end: '', limit: 0, revision: 0, sort_order: 0, sort_target: 0, serializable: false, keys_only: false },
  ...{ count_only: false, min_mod_revision: 0, max_mod_revision: 0, min_create_revision: 0, max_create_revision: 0 },
};
const noOp = {
  request_range: undefined,
  request_put: undefined,
  request_delete_range: undefined,
  request_txn: undefined,
};
const noWatch = {
  ...{ range_end: '', start_revision: 0, progress_notify: false, filters: [], prev_kv: false, watch_id: 0, fragment: false },
};

const latenciesMs: number[] = [];
let failed = 0;

/** The `n`th request of a kind. */
const requests: Record<string, { path: string; of: (n: number) => Buffer }> = {
  put: { path: 'KV/Put', of: (n) => encode(PutRequest, { key: keyOf(n), value }) },
  get: { path: 'KV/Range', of: (n) => encode(RangeRequest, { key: keyOf(n) }) },
  'get-serializable': { path: 'KV/Range', of: (n) => encode(RangeRequest, { key: keyOf(n), serializable: true }) },
  range: {
    path: 'KV/Range',
    of: (n) => encode(RangeRequest, { key: keyOf(n % 9000), range_end: 'bench0', limit: rangeLimit }),
  },
  // As the apiserver updates: put where the key's revision is as expected, else give what is there.
  txn: {
    path: 'KV/Txn',
    of: (n) => {
      const key = keyOf(n);
      const compare = { ...noCompare, result: compareResult.greater, target: compareTarget.mod, key };
      return encode(TxnRequest, {
        compare: [compare],
        success: [{ ...noOp, request_put: { ...noPut, key, value } }],
        failure: [{ ...noOp, request_range: { ...noRange, key } }],
      });
    },
  },
  fill: {
    path: 'KV/Txn',
    of: (n) => {
      const puts = Array.from({ length: putsPerTxn }, (_, i) => {
        const key = `fill/${String(n * putsPerTxn + i).padStart(9, '0')}`;
        return { ...noOp, request_put: { ...noPut, key, value } };
      });
      return encode(TxnRequest, { compare: [], success: puts, failure: [] });
    },
  },
  grant: { path: 'Lease/LeaseGrant', of: (n) => encode(LeaseGrantRequest, { ID: BigInt(n + 1), TTL: 3600 }) },
};
const count = Math.max(Math.min(load.endpoints.length, load.clients), Math.ceil(load.clients / callersPerConnection));
const connections = await Promise.all(
  Array.from({ length: count }, (_, i) => LoadConnection.open(load.endpoints[i % load.endpoints.length] ?? '')),
);
const connectionOf = (i: number): LoadConnection => connections[i % count] as LoadConnection;

/** Callers with one call under way each, until the time is over or all calls are made. */
async function drive(kind: string, calls: number, durationMs: number): Promise<void> {
  const { path, of } = requests[kind] ?? { path: kind, of: () => Buffer.alloc(0) };
  const headers = headersOf(path);
  // What a request costs to make is not part of the load.
  const made = calls === Infinity ? Array.from({ length: keyCount }, (_, n) => grpcMessage(of(n))) : [];
  const message = (n: number): Buffer => made[n % keyCount] ?? grpcMessage(of(n));
  const end = performance.now() + durationMs;
  let next = 0;
  const caller = (connection: LoadConnection): Promise<void> =>
    new Promise((resolve) => {
      let from = 0;
      let answered = false;
      const begin = (): void => {
        if (next >= calls || performance.now() >= end) {
          resolve();
          return;
        }
        answered = false;
        // A stride that visits all keys in no order, where there is time for that.
        const n = calls === Infinity ? next * 7919 : next;
        next++;
        from = performance.now();
        connection.call(headers, message(n), receiver);
      };
      const receiver = {
        data: () => {
          answered = true;
        },
        end: () => {
          latenciesMs.push(performance.now() - from);
          if (!answered) failed++;
          begin();
        },
      };
      begin();
    });
  await Promise.all(Array.from({ length: load.clients }, (_, i) => caller(connectionOf(i))));
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
