// Plain HTTP on the client port: the same requests to etcd and to ours, and answers that differ in nothing but what names the cluster.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ourProgram, Store, upstreamProgram } from './members.ts';

const minuteMs = 60_000;
const original = upstreamProgram('etcd');
const skip = original === undefined || !existsSync(original) ? 'DRYDOCK_UPSTREAM is not set' : undefined;
const key = 'YQ==';
const value = 'Yg==';

const posts: readonly (readonly [string, object | string])[] = [
  ['kv/put', { key, value }],
  ['kv/put', { key, value, prev_kv: true }],
  ['kv/put', { key, value: '!!' }],
  ['kv/put', ''],
  ['kv/range', { key }],
  ['kv/range', { key, limit: '5', sort_order: 'DESCEND', sortTarget: 'MOD' }],
  ['kv/range', { key, count_only: true }],
  ['kv/range', { key, nosuch: 1 }],
  ['kv/range', {}],
  ['kv/range', '{bad'],
  ['kv/range', { key, revision: 100 }],
  [
    'kv/txn',
    {
      compare: [{ target: 'VALUE', key, value }],
      success: [{ requestPut: { key, value: 'Yw==' } }, { request_range: { key } }],
      failure: [{ request_delete_range: { key } }],
    },
  ],
  ['kv/deleterange', { key, prev_kv: true }],
  ['kv/compaction', { revision: '100' }],
  ['kv/compaction', { revision: '2', physical: true }],
  ['lease/grant', { TTL: 1000, ID: '123' }],
  ['lease/grant', { TTL: 1000, ID: '123' }],
  ['lease/keepalive', { ID: 123 }],
  ['lease/leases', {}],
  ['kv/lease/leases', {}],
  ['lease/revoke', { ID: '123' }],
  ['lease/revoke', { ID: '123' }],
  ['lease/timetolive', { ID: '123' }],
  ['auth/status', {}],
  ['auth/user/list', {}],
  ['auth/user/add', {}],
  ['auth/enable', {}],
  ['auth/role/get', { role: 'nosuch' }],
  ['maintenance/alarm', {}],
  ['nosuch', {}],
  ['lease/grant', { TTL: 1000, ID: '124' }],
  ['election/leader', { name: key }],
  ['election/campaign', { name: key, value, lease: '124' }],
  ['election/leader', { name: key }],
  ['election/resign', {}],
  ['lock/lock', { name: key, lease: '124' }],
  ['lock/unlock', { key: 'YS83Yw==' }],
  // Last: the alarm stays.
  ['maintenance/alarm', { action: 'ACTIVATE', alarm: 'NOSPACE' }],
];
const gets = [
  '/health',
  '/health?exclude=NOSPACE',
  '/health?serializable=true',
  '/livez',
  '/livez?verbose',
  '/livez/serializable_read',
  '/readyz',
  '/readyz/linearizable_read',
  '/readyz/non_learner',
  '/readyz/data_corruption',
  '/readyz/nosuch',
  '/nosuch',
  '/v3/kv/range',
  '/v3/nosuch',
];
const headers = ['content-type', 'access-control-allow-origin', 'access-control-allow-methods', 'allow'];

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | null>;
  readonly body: unknown;
}

async function ask(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const kept = Object.fromEntries(headers.map((name) => [name, response.headers.get(name)]));
  return { status: response.status, headers: kept, body: withoutIds(parsed(text), response.status) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What names the cluster is left out, and what Go says of malformed JSON. */
function withoutIds(body: unknown, status: number): unknown {
  const text = JSON.stringify(body)
    .replace(/"(cluster_id|member_id|raft_term|memberID)":"\d+",?/g, '')
    .replace(/"message":"(?:proto:|invalid ).*"/, '"message":"malformed"')
    .replace(/"message":"Expected .*"/, '"message":"malformed"');
  return [status, text];
}

async function metricsOf(store: Store | undefined): Promise<string> {
  return (await fetch(`${store?.endpoint(0)}/metrics`)).text();
}

/** Type and label names of each family; bounds of histograms with their values. */
function families(text: string): Map<string, string> {
  const found = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  for (const [name, type] of found) {
    const samples = text.match(new RegExp(`^${name}(?:_bucket)?(?:\\{.*\\})? .*$`, 'gm')) ?? [];
    const labels = samples.map((line) =>
      [...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, of]) => (label === 'le' ? of : label)).join(),
    );
    found.set(name, `${type} ${[...new Set(labels)].sort().join(';')}`);
  }
  return found;
}

describe.skipIf(skip !== undefined)(`HTTP as etcd's (${skip ?? original})`, () => {
  const stores: Store[] = [];
  beforeAll(async () => {
    for (const program of [[original ?? ''], ourProgram]) stores.push(await Store.start({ size: 1, program }));
  }, minuteMs);
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.stop()));
  });

  test('the gateway, and health', { timeout: minuteMs }, async () => {
    const [theirs, ours] = await Promise.all(
      stores.map(async (store) => {
        const answers: Record<string, Answer> = {};
        for (const [i, [path, body]] of posts.entries()) {
          const init = { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
          answers[`${i} ${path} ${init.body}`] = await ask(`${store.endpoint(0)}/v3/${path}`, init);
        }
        for (const path of gets) answers[path] = await ask(`${store.endpoint(0)}${path}`);
        for (const path of ['/health', '/readyz'])
          answers[`POST ${path}`] = await ask(`${store.endpoint(0)}${path}`, { method: 'POST' });
        answers.options = await ask(`${store.endpoint(0)}/v3/kv/range`, { method: 'OPTIONS' });
        return answers;
      }),
    );
    expect(ours).toEqual(theirs);
  });

  test('metrics have the names, types and labels of the original', { timeout: minuteMs }, async () => {
    const [theirs, ours] = await Promise.all(
      stores.map(async (store) => families(await (await fetch(`${store.endpoint(0)}/metrics`)).text())),
    );
    // 3.5.30 has those without which its dashboards and alerts are blind.
    const needed = [
      'etcd_server_has_leader',
      'etcd_server_leader_changes_seen_total',
      'etcd_server_proposals_failed_total',
      'etcd_disk_wal_fsync_duration_seconds',
      'etcd_disk_backend_commit_duration_seconds',
      'etcd_mvcc_db_total_size_in_bytes',
      'etcd_mvcc_db_total_size_in_use_in_bytes',
      'etcd_network_client_grpc_received_bytes_total',
      'etcd_server_quota_backend_bytes',
      'grpc_server_handled_total',
      'grpc_server_started_total',
      'process_resident_memory_bytes',
    ];
    for (const name of needed) expect([...(ours?.keys() ?? [])]).toContain(name);
    const shared = [...(ours ?? [])].filter(([name]) => theirs?.has(name));
    expect(shared.map(([name, shape]) => `${name} ${shape}`)).toEqual(shared.map(([name]) => `${name} ${theirs?.get(name)}`));
    expect([...(ours?.keys() ?? [])].filter((name) => !theirs?.has(name))).toEqual([]);
    const { hits } = { hits: Number(/etcd_disk_wal_fsync_duration_seconds_count (\d+)/.exec(await metricsOf(stores[1]))?.[1]) };
    expect(hits).toBeGreaterThan(0);
  });

  test('a watch is one line per answer, and goes on after the request has ended', { timeout: minuteMs }, async () => {
    const [theirs, ours] = await Promise.all(
      stores.map(async (store) => {
        const body = `{"create_request":{"key":"${key}","start_revision":"-1"}} {"create_request":{"key":"${key}","start_revision":"4"}}`;
        const response = await fetch(`${store.endpoint(0)}/v3/watch`, { method: 'POST', body });
        let text = '';
        for await (const piece of response.body ?? []) {
          text += Buffer.from(piece).toString();
          if (text.includes('DELETE')) break;
        }
        return text
          .trim()
          .split('\n')
          .map((line) => withoutIds(JSON.parse(line), response.status));
      }),
    );
    expect(ours).toEqual(theirs);
  });
});
