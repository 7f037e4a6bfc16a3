// What a client is told of an update that had to be decided again, because another writer came in between.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TxnQuery } from '../storage/etcd-codec.ts';
import { MemoryStore } from './memory-store.ts';
import { type WireClient, WireServer } from './wire.ts';

const path = '/api/v1/namespaces/default/configmaps/a';
const key = '/registry/configmaps/default/a';

/** A store in which another writer is faster, so often as told. */
class BusyStore extends MemoryStore {
  rivals = 0;

  override async txn(query: TxnQuery) {
    if (this.rivals > 0 && query.otherwise === key) {
      this.rivals--;
      const { kvs } = await this.range({ key });
      const found = JSON.parse(kvs[0]?.value.toString() ?? '{}');
      const value = Buffer.from(JSON.stringify({ ...found, data: { ...found.data, rival: String(this.rivals) } }));
      await super.txn({ guards: [], writes: [{ op: 'put', key, value }] });
    }
    return super.txn(query);
  }
}

describe('an update that is decided again', () => {
  const store = new BusyStore();
  let server: WireServer;
  let user: WireClient;
  beforeAll(async () => {
    server = await WireServer.start({}, store);
    user = await server.operator();
    await user.call('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'a' }, data: { x: '1' } } });
  });
  afterAll(() => server.stop());

  const writes = {
    PUT: { body: { metadata: { name: 'a' }, data: { x: '2' }, unknown: 1, other: 2 } },
    PATCH: { body: { data: { x: '3' }, unknown: 1, other: 2 }, type: 'application/merge-patch+json' },
  };
  test.each(Object.entries(writes))('%s warns once of each unknown field', async (method, request) => {
    store.rivals = 3;
    const answer = await user.call(method, `${path}?fieldValidation=Warn`, request);
    expect([answer.code, store.rivals]).toEqual([200, 0]);
    expect([...answer.warnings].sort()).toEqual(['unknown field "other"', 'unknown field "unknown"']);
  });
});
